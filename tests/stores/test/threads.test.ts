import { randomBytes } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { type CheckpointStore, openStore } from '@holdfast/core'
import { type Fault, type FaultPlan, startProxy } from '@holdfast/emulators/proxy'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { type KindOfStore, kindsOfStore, type Place } from './stores.ts'

const partBytes = 8 * 2 ** 20
const firstBytes = partBytes

/** The smallest file that threads receive, and some more. */
const file = randomBytes(4 * partBytes + 5)
const starts = [1, 2, 3, 4].map((part) => part * partBytes)

/** One server of each kind, because the threads are those of the client. */
const kinds = (await kindsOfStore()).filter(({ name }) => /emulator|Azurite/.test(name))

/** On one processor, the speed of the connection decides whether there are ranges. */
const isOneProcessor = availableParallelism() < 2
const needsTwoProcessors = 'receiving threads need a second processor'

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-threads-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  return folder
}

async function openThreaded(kind: KindOfStore, { url, env }: Place): Promise<CheckpointStore> {
  Object.assign(process.env, env)
  const backend = { retry: { attempts: 5, minDelay: 1, maxDelay: 10 } }
  return openStore(url, {
    adapters: [kind.adapter],
    backend,
    threads: 2,
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
