import { randomBytes } from 'node:crypto'
import {
  type Fault,
  type FaultPlan,
  type ProxiedRequest,
  seededPlan,
  startProxy,
} from '@holdfast/emulators/proxy'
import { isHoldfastError } from '@holdfast/core'
import type { CheckpointBackend } from '@holdfast/core/backend'
import { describe, expect, test } from 'vitest'
import { openAt, openBackendAt } from './support/open-at.ts'
import { kindsOfStore } from './support/kinds-of-store.ts'

const onNetwork = (await kindsOfStore()).filter(({ endpoint }) => endpoint !== undefined)

const seed = Number(process.env['HOLDFAST_SEED'] ?? Date.now() % 1e9)

const twoAttempts = { attempts: 2, minDelay: 1, maxDelay: 2 }
/** Progress that a drip of bytes does not make, and that a busy machine may not make either: only for requests that must fail. */
const fastProgress = { bytes: 1000, within: 200 }

const forged = { ETag: '"0123456789abcdef0123456789abcdef"', 'Last-Modified': new Date(0).toUTCString() }
const pages: readonly Fault[] = [
  { kind: 'html-page' },
  { kind: 'html-page', headers: forged },
  { kind: 'html-page', status: 404 },
  { kind: 'html-page', status: 412, headers: forged },
]

const isList = ({ operation }: ProxiedRequest): boolean =>
  /list/i.test(operation) && !/block list/i.test(operation)

/** Returns a plan that applies the fault only to the first request that `fits` accepts. */
function once(
  fits: (request: ProxiedRequest) => boolean,
  fault: Fault,
): FaultPlan & { readonly wasApplied: () => boolean } {
  let applied = false
  const plan = (request: ProxiedRequest): Fault | undefined => {
    if (applied || !fits(request)) return undefined
    applied = true
    return fault
  }
  return Object.assign(plan, { wasApplied: () => applied })
}

describe.each(onNetwork)('false responses in front of $name', (kind) => {
  const target = kind.endpoint ?? ''

  test(`loses no acknowledged save if web pages replace responses of the store (HOLDFAST_SEED=${seed})`, async () => {
    await using proxy = await startProxy({
      target,
      plan: seededPlan({ seed, rate: 0.2, faults: pages, only: ({ method }) => method !== 'DELETE' }),
    })
    const place = kind.place()
    await using direct = await openAt(kind, place, { mode: 'shared' })
    /** Returns the step if the save was acknowledged. */
    const save = async (store: typeof direct, step: number, bytes: number): Promise<readonly number[]> => {
      const files = { 'model.bin': randomBytes(bytes), 'log.txt': Buffer.from(`${step}`) }
      try {
        await store.save({ step, files })
        return [step]
      } catch (error) {
        expect(isHoldfastError(error, 'UNAVAILABLE', 'OUTCOME_UNKNOWN'), String(error)).toBe(true)
        return []
      }
    }
    const besides: number[] = [...(await save(direct, 0, 10))]
    const behind: number[] = []
    const through = await openAt(kind, kind.through(place, proxy.url), { mode: 'shared' })
    for (let step = 1; step < 16; step += 2) {
      const bytes = step === 5 ? 2 * kind.partBytes + 7 : 1000
      const both = await Promise.all([save(through, step, bytes), save(direct, step + 1, 1000)])
      behind.push(...both[0])
      besides.push(...both[1])
    }
    await through.close().catch(() => undefined) // a web page may replace the response to the last request
    const listed = (await direct.list()).map(({ step }) => step)
    expect(listed).toEqual(expect.arrayContaining([...besides, ...behind]))
    expect((await direct.verify()).good).toBe(true)
    expect(besides).toEqual([0, 2, 4, 6, 8, 10, 12, 14, 16])
    expect(behind.length).toBeGreaterThan(0)
  })

  test.each(pages.slice(0, 2))(
    'retries a write, a read and a list whose response is a web page: %o',
    async (page) => {
      const place = kind.place()
      const large = randomBytes(kind.partBytes + 7)
      for (const [name, fits] of [
        ['writes', ({ method }: ProxiedRequest) => method === 'PUT' || method === 'POST'],
        ['the second write', skipping(1, ({ method }) => method === 'PUT' || method === 'POST')],
        ['the fourth write', skipping(3, ({ method }) => method === 'PUT' || method === 'POST')],
        ['the last write', skipping(4, ({ method }) => method === 'PUT' || method === 'POST')],
        ['reads', ({ method, ...rest }: ProxiedRequest) => method === 'GET' && !isList({ method, ...rest })],
        ['lists', isList],
        [
          'heads',
          ({ operation }: ProxiedRequest) => /HeadObject|objects.get$|Get Blob Properties/.test(operation),
        ],
      ] as const) {
        const plan = once(fits, page)
        await using proxy = await startProxy({ target, plan })
        await using backend = closing(await openBackendAt(kind, kind.through(place, proxy.url)))
        await backend.put(`${name}/small`, Buffer.from(name))
        const content = name.includes('write') ? large : Buffer.from('not in parts')
        await backend.put(`${name}/large`, content)
        expect(await backend.commit(`${name}/truth`, Buffer.from('ours'))).toBe('created')
        expect(await backend.commit(`${name}/truth`, Buffer.from('theirs'))).toBe('exists')
        for (const [key, bytes] of [
          ['large', content],
          ['small', Buffer.from(name)],
          ['truth', Buffer.from('ours')],
        ] as const) {
          const { stat, body } = await backend.read(`${name}/${key}`)
          expect(Buffer.concat(await Array.fromAsync(body)).equals(bytes)).toBe(true)
          expect(await backend.stat(`${name}/${key}`)).toEqual(stat)
        }
        const listed = await Array.fromAsync(backend.list(`${name}/`))
        expect(listed.map(({ key }) => key)).toEqual(
          ['large', 'small', 'truth'].map((key) => `${name}/${key}`),
        )
        expect(plan.wasApplied(), name).toBe(true)
      }
    },
  )

  test('creates nothing if every response is a web page, and names the web page in the error', async () => {
    await using proxy = await startProxy({ target, plan: () => ({ kind: 'html-page', headers: forged }) })
    await using backend = closing(await openBackendAt(kind, kind.place(proxy.url), twoAttempts))
    const cause = /web page/
    await expect(backend.put('a', Buffer.from('a'))).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      message: expect.stringMatching(cause) as string,
    })
    await expect(backend.put('b', randomBytes(2 * kind.partBytes))).rejects.toMatchObject({
      code: 'UNAVAILABLE',
    })
    await expect(backend.commit('c', Buffer.from('c'))).rejects.toMatchObject({ code: 'OUTCOME_UNKNOWN' })
    await expect(backend.read('a')).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    await expect(backend.stat('a')).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    await expect(Array.fromAsync(backend.list(''))).rejects.toMatchObject({ code: 'UNAVAILABLE' })
  })

  test.each<Fault>([{ kind: 'truncated-answer' }, { kind: 'empty-list' }, { kind: 'reversed-list' }])(
    'retries a list whose response has the fault $kind',
    async (fault) => {
      const place = kind.place()
      await using direct = await openAt(kind, place, { mode: 'shared' })
      for (const step of [1, 2, 3]) await direct.save({ step, files: { a: Buffer.from(`${step}`) } })
      const plan = once(isList, fault)
      await using proxy = await startProxy({ target, plan })
      await using store = await openAt(kind, kind.through(place, proxy.url), { mode: 'shared' })
      expect((await store.latest())?.step).toBe(3)
      await store.save({ step: 4, files: { a: Buffer.from('4') } })
      expect((await direct.list()).map(({ step }) => step)).toEqual([1, 2, 3, 4])
      expect(plan.wasApplied()).toBe(true)
    },
  )

  test.each<Fault>([
    { kind: 'truncated-answer' },
    { kind: 'repeated-token' },
    { kind: 'endless-answer' },
    { kind: 'drip-answer', milliseconds: 20 },
  ])('rejects a list if every response has the fault $kind', async (fault) => {
    const place = kind.place()
    await using direct = closing(await openBackendAt(kind, place))
    for (const key of ['a', 'b', 'c']) await direct.put(key, Buffer.from(key))
    await using proxy = await startProxy({ target, plan: (request) => (isList(request) ? fault : undefined) })
    const through = kind.through(place, proxy.url)
    await using backend = closing(await openBackendAt(kind, through, twoAttempts, fastProgress))
    await expect(Array.fromAsync(backend.list(''))).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    expect([...proxy.requests].filter(isList).length).toBeLessThan(10)
  })

  test('rejects a read whose body arrives too slowly', async () => {
    const isRead = ({ operation }: ProxiedRequest): boolean =>
      /GetObject|get \(media\)|Get Blob$/.test(operation)
    const plan: FaultPlan = (request) =>
      isRead(request) ? { kind: 'drip-answer', milliseconds: 20 } : undefined
    const place = kind.place()
    await using direct = closing(await openBackendAt(kind, place))
    await direct.put('a', randomBytes(10_000))
    await using proxy = await startProxy({ target, plan })
    const through = kind.through(place, proxy.url)
    await using backend = closing(await openBackendAt(kind, through, twoAttempts, fastProgress))
    const read = async (): Promise<unknown> => Array.fromAsync((await backend.read('a')).body)
    await expect(read()).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      message: expect.stringMatching(/too slow/) as string,
    })
  })
})

/** Lets a block close a backend at its end. */
function closing(backend: CheckpointBackend): CheckpointBackend & AsyncDisposable {
  return Object.assign(backend, { [Symbol.asyncDispose]: () => backend.close() })
}

function skipping(
  count: number,
  fits: (request: ProxiedRequest) => boolean,
): (request: ProxiedRequest) => boolean {
  let left = count
  return (request) => fits(request) && left-- === 0
}
