import { randomBytes } from 'node:crypto'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import type { ClientRequest } from 'node:http'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { type CheckpointStore, isHoldfastError, openStore } from '@holdfast/core'
import { type Fault, type FaultPlan, startProxy } from '@holdfast/emulators/proxy'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { type KindOfStore, kindsOfStore, type Place } from './support/kinds-of-store.ts'

const partBytes = 8 * 2 ** 20
const firstBytes = partBytes

/** The smallest file that threads transfer, and some more. */
const file = randomBytes(4 * partBytes + 5)
const starts = [1, 2, 3, 4].map((part) => part * partBytes)

/** One server of each kind, because the threads are those of the client. */
const kinds = (await kindsOfStore()).filter(({ name }) => /emulator|Azurite/.test(name))

/** On one processor, the speed of the connection decides whether there are ranges. */
const isOneProcessor = availableParallelism() < 2
const needsTwoProcessors = 'transfer threads need a second processor'

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-threads-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  return folder
}

async function openThreaded(kind: KindOfStore, { url, env }: Place, threads = 2): Promise<CheckpointStore> {
  Object.assign(process.env, env)
  const backend = { retry: { attempts: 5, minDelay: 1, maxDelay: 10 } }
  return openStore(url, {
    adapters: [kind.adapter],
    backend,
    threads,
    config: false,
    mode: 'shared',
  })
}

/** Where the range of a request begins, if the request is for the rest of the file. */
function restFrom({ headers }: Parameters<FaultPlan>[0]): number | undefined {
  const [, start] = /^bytes=(\d+)-/.exec(String(headers.range ?? headers['x-ms-range'])) ?? []
  return start === undefined || Number(start) < firstBytes ? undefined : Number(start)
}

describe.each(kinds)('a restore with two threads from $name', (kind) => {
  let plan: FaultPlan
  let store: CheckpointStore
  const cleanUps: (() => Promise<void>)[] = []

  beforeAll(async () => {
    const proxy = await startProxy({ target: kind.endpoint ?? '', plan: (request) => plan(request) })
    cleanUps.unshift(() => proxy.close())
    store = await openThreaded(kind, kind.place(proxy.url))
    cleanUps.unshift(() => store.close())
    plan = () => undefined
    await store.save({ step: 1, files: { 'model.bin': file } })
  })
  afterAll(async () => {
    for (const cleanUp of cleanUps) await cleanUp()
  })

  test('reads the rest of a large file in ranges, directly', async ({ skip }) => {
    if (isOneProcessor) return skip(needsTwoProcessors)
    const rest = new Map<number, boolean>()
    plan = (request) => {
      const from = restFrom(request)
      // The clients of Node.js send this header, and direct connections do not.
      if (from !== undefined) rest.set(from, request.headers.connection === undefined)
      return undefined
    }
    const to = await temporaryFolder()
    await store.restore('latest', { to })
    expect((await readFile(join(to, 'model.bin'))).equals(file)).toBe(true)
    expect(rest).toEqual(new Map(starts.map((from) => [from, true])))
  })

  test('delivers the saved bytes although each range has a fault at first', async ({ skip }) => {
    if (isOneProcessor) return skip(needsTwoProcessors)
    const faults: readonly Fault[] = [
      { kind: 'cut-answer', afterBytes: 3 * 2 ** 20 + 1 },
      { kind: 'reset' },
      { kind: 'status', status: 503 },
      { kind: 'flip-answer' },
    ]
    const seen = new Set<number>()
    plan = (request) => {
      const from = restFrom(request)
      if (from === undefined || seen.has(from)) return undefined
      seen.add(from)
      return faults[starts.indexOf(from)]
    }
    const to = await temporaryFolder()
    await store.restore('latest', { to })
    expect((await readFile(join(to, 'model.bin'))).equals(file)).toBe(true)
    expect([...seen]).toEqual(expect.arrayContaining(starts))
  })

  test('delivers nothing if a bit of a range is always flipped', async () => {
    plan = (request) => (restFrom(request) === starts[2] ? { kind: 'flip-answer' } : undefined)
    const to = await temporaryFolder()
    await expect(store.restore('latest', { to })).rejects.toMatchObject({ code: 'CORRUPT' })
    expect(await readdir(to)).toEqual([])
  })

  test('ends when it is aborted, and delivers nothing', async () => {
    const abort = new AbortController()
    plan = (request) => {
      if (restFrom(request) === starts[1]) abort.abort()
      return undefined
    }
    const to = await temporaryFolder()
    const restored = store.restore('latest', { to, signal: abort.signal })
    await expect(restored).rejects.toMatchObject({ code: 'ABORTED' })
    expect(await readdir(to)).toEqual([])
  })
})

/** Other threads send the parts to these. Google Cloud Storage takes the bytes of an object in order. */
const takingParts = kinds.filter(({ name }) => !name.startsWith('gs'))
const parts = [1, 2, 3, 4, 5]

function isPart({ operation }: Parameters<FaultPlan>[0]): boolean {
  return operation === 'UploadPart' || operation === 'Put Block'
}

/** Returns the paths of the requests that the HTTP client of this thread sends until the test ends. */
function requestsOfThisThread(): readonly string[] {
  const paths: string[] = []
  const channel = 'http.client.request.start'
  const onStart = (message: unknown): void => {
    paths.push((message as { readonly request: ClientRequest }).request.path)
  }
  subscribe(channel, onStart)
  onTestFinished(() => {
    unsubscribe(channel, onStart)
  })
  return paths
}

async function proxied(kind: KindOfStore, plan: FaultPlan, threads: number): Promise<CheckpointStore> {
  const proxy = await startProxy({ target: kind.endpoint ?? '', plan })
  onTestFinished(() => proxy.close())
  return openedForTest(kind, kind.place(proxy.url), threads)
}

async function openedForTest(kind: KindOfStore, place: Place, threads: number): Promise<CheckpointStore> {
  const store = await openThreaded(kind, place, threads)
  onTestFinished(() => store.close())
  return store
}

async function expectFileIn(store: CheckpointStore): Promise<void> {
  const to = await temporaryFolder()
  await store.restore('latest', { to })
  expect((await readFile(join(to, 'model.bin'))).equals(file)).toBe(true)
}

/** Returns the error without the name of the attempt and the number of the part, which differ from save to save. */
async function errorOf(saved: Promise<unknown>): Promise<unknown> {
  const error: unknown = await saved.catch((thrown: unknown) => thrown)
  if (!isHoldfastError(error)) return error
  const { code, retryable, message } = error
  return { code, retryable, message: message.replaceAll(/(Part|Block) \d|data\/\S+/g, '') }
}

describe.each(takingParts)('a save to $name', (kind) => {
  test.for([
    [1, parts.length],
    [2, 0],
  ] as const)('with %i threads sends %i parts of a large file on the main thread', async (each, { skip }) => {
    const [threads, onMain] = each
    if (isOneProcessor) return skip(needsTwoProcessors)
    const store = await openedForTest(kind, kind.place(), threads)
    const paths = requestsOfThisThread()
    await store.save({ step: 1, files: { 'model.bin': file } })
    expect(paths.filter((path) => /partNumber=|comp=block(&|$)/.test(path))).toHaveLength(onMain)
    await expectFileIn(store)
  })

  test.each([1, 2])(
    'with %i threads stores the file although each part has a fault at first',
    async (threads) => {
      const faults: Fault[] = [
        { kind: 'reset' },
        { kind: 'status', status: 503 },
        { kind: 'cut-request' },
        { kind: 'drop-answer' },
        { kind: 'html-page' },
      ]
      const seen = new Set<string | null>()
      const plan: FaultPlan = (request) => {
        const part = request.query.get('partNumber') ?? request.query.get('blockid')
        if (!isPart(request) || seen.has(part)) return undefined
        seen.add(part)
        return faults.pop()
      }
      const store = await proxied(kind, plan, threads)
      const retried: string[] = []
      store.on('retry', ({ what, attempt }) => retried.push(`${String(/\d/.exec(what))}: ${attempt}`))
      await store.save({ step: 1, files: { 'model.bin': file } })
      expect(retried.toSorted()).toEqual(parts.map((part) => `${part}: 1`))
      await expectFileIn(store)
    },
  )

  test.each<readonly [string, Fault]>([
    ['that the credentials have expired', { kind: 'status', status: 409, code: 'ExpiredToken' }],
    ['that the signature is wrong', { kind: 'status', status: 409, code: 'AuthenticationFailed' }],
    ['that it is overloaded', { kind: 'status', status: 503 }],
    ['with a web page', { kind: 'html-page' }],
  ])('rejects with the same error for each number of threads if the store responds %s', async (_, fault) => {
    const plan: FaultPlan = (request) => (isPart(request) ? fault : undefined)
    const errors: unknown[] = []
    for (const threads of [1, 2]) {
      const store = await proxied(kind, plan, threads)
      errors.push(await errorOf(store.save({ step: 1, files: { 'model.bin': file } })))
    }
    expect(errors[0]).toHaveProperty('code')
    expect(errors[1]).toEqual(errors[0])
  })

  test('with two threads ends when it is aborted, and lists nothing', async () => {
    const abort = new AbortController()
    const plan: FaultPlan = (request) => {
      if (isPart(request)) abort.abort()
      return undefined
    }
    const store = await proxied(kind, plan, 2)
    const saved = store.save({ step: 1, files: { 'model.bin': file }, signal: abort.signal })
    await expect(saved).rejects.toMatchObject({ code: 'ABORTED' })
    expect(await store.list()).toEqual([])
  })
})
