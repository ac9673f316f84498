import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Fault, type FaultPlan, seededPlan, startProxy } from '@holdfast/emulators/proxy'
import { isHoldfastError } from '@holdfast/core'
import { describe, expect, onTestFinished, test } from 'vitest'
import { openAt } from './support/open-at.ts'
import { kindsOfStore } from './support/kinds-of-store.ts'

const faults: readonly Fault[] = [
  { kind: 'drop-answer' },
  { kind: 'cut-request' },
  { kind: 'cut-answer' },
  { kind: 'status', status: 500 },
  { kind: 'status', status: 503 },
  { kind: 'status', status: 429 },
  { kind: 'reset' },
]

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-network-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  return folder
}

const saves = 12
const firstSeed = Number(process.env['HOLDFAST_SEED'] ?? Date.now() % 1e9)

const onNetwork = (await kindsOfStore()).filter(({ endpoint }) => endpoint !== undefined)

describe.each(onNetwork)('a bad network in front of $name', (kind) => {
  test.each([firstSeed, firstSeed + 1, firstSeed + 2])(
    'loses no acknowledged save, and lists only saves that were acknowledged or of unknown outcome (HOLDFAST_SEED=%i)',
    async (seed) => {
      await using proxy = await startProxy({
        target: kind.endpoint ?? '',
        plan: seededPlan({ seed, rate: 0.15, faults }),
      })
      const through = kind.place(proxy.url)
      const acknowledged: number[] = []
      const uncertain: number[] = []
      const store = await openAt(kind, through, { mode: 'shared' })
      for (let step = 0; step < saves; step += 1) {
        const large = step % 4 === 0 ? kind.partBytes * 2 + 7 : 1000
        try {
          await store.save({
            step,
            files: { 'model.bin': randomBytes(large), 'log.txt': Buffer.from(String(step)) },
          })
          acknowledged.push(step)
        } catch (error) {
          expect(isHoldfastError(error)).toBe(true)
          if (isHoldfastError(error, 'OUTCOME_UNKNOWN')) uncertain.push(step)
        }
      }
      await store.close().catch(() => undefined) // the last requests can also fail
      await using clean = await openAt(
        kind,
        { ...through, ...withEndpoint(through, proxy.url, kind.endpoint ?? '') },
        { mode: 'shared' },
      )
      const listed = (await clean.list()).map(({ step }) => step)
      expect(listed).toEqual(expect.arrayContaining(acknowledged))
      for (const step of listed) expect([...acknowledged, ...uncertain]).toContain(step)
      expect(await clean.verify()).toMatchObject({ good: true })
      expect(acknowledged.length).toBeGreaterThan(0)
    },
  )

  test('does not quarantine a checkpoint if a bit flips in a response', async () => {
    const flipped = new Set<string>()
    let isFlipping = false
    // Damages the first read of each object. Lists are not damaged, because nothing verifies their bytes.
    const plan: FaultPlan = ({ method, path, query }) => {
      const isList = [...query.keys()].some((name) => ['list-type', 'comp', 'prefix'].includes(name))
      if (!isFlipping || method !== 'GET' || isList || flipped.has(path)) return undefined
      flipped.add(path)
      return { kind: 'flip-answer' }
    }
    await using proxy = await startProxy({ target: kind.endpoint ?? '', plan })
    const place = kind.place(proxy.url)
    await using store = await openAt(kind, place, { mode: 'shared' })
    for (const step of [1, 2])
      await store.save({ step, files: { a: randomBytes(100_000), b: randomBytes(1000) } })
    isFlipping = true
    await using reader = await openAt(kind, place, { mode: 'shared' })
    expect(await reader.restore('latest', { to: await temporaryFolder(), fallback: true })).toMatchObject({
      step: 2,
      passedOver: [],
      damagedCatalogs: [],
    })
    expect(flipped.size).toBeGreaterThanOrEqual(4)
    flipped.clear()
    expect(await reader.verify()).toMatchObject({ good: true })
    expect(await reader.quarantined()).toEqual([])
  })

  test('resolves the lost response of a commit by reading the object', async () => {
    let lost = 0
    const plan: FaultPlan = ({ method, path }) => {
      const commits = ['PUT', 'POST'].includes(method) && /catalog|%2Fcatalog|upload\/storage/.test(path)
      if (!commits || lost > 0) return undefined
      lost += 1
      return { kind: 'drop-answer' }
    }
    await using proxy = await startProxy({ target: kind.endpoint ?? '', plan })
    await using store = await openAt(kind, kind.place(proxy.url), { mode: 'shared' })
    await store.save({ step: 1, files: { a: Buffer.from('a') } })
    expect(lost).toBe(1)
    expect((await store.list()).map(({ step }) => step)).toEqual([1])
  })

  test('stops after the configured number of attempts, and reports the error of the store', async () => {
    await using proxy = await startProxy({
      target: kind.endpoint ?? '',
      plan: () => ({ kind: 'status', status: 500 }),
    })
    await using store = await openAt(kind, kind.place(proxy.url), { mode: 'shared' })
    const retried: number[] = []
    store.on('retry', ({ attempt }) => retried.push(attempt))
    const failure = await store.latest().catch((error: unknown) => error)
    expect(failure).toMatchObject({ code: 'UNAVAILABLE', retryable: true })
    expect(String(failure)).toMatch(/Injected by the proxy|InternalError|internalError/)
    expect([...proxy.requests].length).toBe(10)
  })
})

/** Returns the same place with another endpoint. */
function withEndpoint(
  place: { readonly url: string; readonly env: Readonly<Record<string, string>> },
  from: string,
  to: string,
): { readonly url: string; readonly env: Readonly<Record<string, string>> } {
  const env = Object.fromEntries(
    Object.entries(place.env).map(([name, value]) => [name, value.replaceAll(from, to)]),
  )
  return { url: place.url.replace(from, to), env }
}
