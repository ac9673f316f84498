import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import {
  CheckpointStore,
  copyCheckpoints,
  type Environment,
  MemoryBackend,
  type StoreOptions,
  systemEnvironment,
} from '../../src/index.ts'
import { StoreEventEmitter } from '../../src/store/context/events.ts'
import { limitsOf } from '../../src/store/transfer-limits.ts'
import { codeOf } from '../stores.ts'

/** The slowest limit in bytes per second, and the size of a checkpoint that then takes 8 s. */
const [rate, size] = [100_000, 800_000]
const duration = 8000

/** Ends each wait of a limit at once, and counts the waits that the first bytes of a checkpoint have. */
function timeless(): Environment & { readonly waits: () => number } {
  let waits = 0
  return {
    ...systemEnvironment,
    waits: () => waits,
    pause: async (milliseconds, signal) => {
      if (Math.abs(milliseconds - duration) > 1e-3) return systemEnvironment.pause(milliseconds, signal)
      waits += 1
    },
  }
}

function openOn(
  backend: MemoryBackend,
  options: StoreOptions = {},
  environment: Environment = systemEnvironment,
  mirror?: MemoryBackend,
): CheckpointStore {
  const store = new CheckpointStore(backend, options, environment, new StoreEventEmitter(), mirror)
  onTestFinished(() => store.close())
  return store
}

const one = { 'model.bin': Buffer.alloc(size, 1) }
const many = Object.fromEntries(
  Array.from({ length: 100 }, (_, index) => [`part-${index}`, Buffer.alloc(size / 100, index)]),
)

async function emptyFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-transfers-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}

describe('limitUpload', () => {
  test.each([
    ['a file', one],
    ['a pack of files', many],
  ])('slows down a save of %s', async (_, files) => {
    const environment = timeless()
    const store = openOn(new MemoryBackend(), { limitUpload: rate, packs: 'always' }, environment)
    await store.save({ step: 1, files })
    expect(environment.waits()).toBe(1)
  })

  test('takes its time from an environment whose methods use its state', async () => {
    const environment = {
      ...systemEnvironment,
      time: 0,
      elapsed() {
        return this.time
      },
      async pause(milliseconds: number) {
        this.time += milliseconds
      },
    }
    await openOn(new MemoryBackend(), { limitUpload: rate }, environment).save({ step: 1, files: one })
    expect(environment.time).toBeGreaterThanOrEqual(duration)
  })

  test('slows down the copies into a store', async () => {
    const environment = timeless()
    const from = openOn(new MemoryBackend('mem:from'))
    await from.save({ step: 1, files: one })
    await copyCheckpoints(from, openOn(new MemoryBackend('mem:to'), { limitUpload: '100KB/s' }, environment))
    expect(environment.waits()).toBe(1)
  })

  test('slows down what a mirror gets', async () => {
    const environment = timeless()
    const options = { limitUpload: rate, mirror: { store: 'mem:mirror' } }
    const store = openOn(new MemoryBackend('mem:disk'), options, environment, new MemoryBackend('mem:mirror'))
    await store.save({ step: 1, files: one })
    expect(environment.waits()).toBe(1)
    await store.mirror?.flush()
    expect(environment.waits()).toBe(2)
  })

  test('ends at once if the save is aborted', async () => {
    const stop = new AbortController()
    const environment: Environment = {
      ...systemEnvironment,
      pause: (milliseconds, signal) => {
        if (milliseconds > duration / 2) stop.abort()
        return systemEnvironment.pause(milliseconds, signal)
      },
    }
    const store = openOn(new MemoryBackend(), { limitUpload: rate }, environment)
    await expect(store.save({ step: 1, files: one, signal: stop.signal })).rejects.toMatchObject({
      code: 'ABORTED',
      reason: expect.stringContaining('The transfer') as string,
    })
    expect(await store.list()).toEqual([])
  })

  test('limits only the mirror of a store on a disk', () => {
    const onDisk = Object.assign(new MemoryBackend(), {
      capabilities: { ...new MemoryBackend().capabilities, localRoot: '/runs/a' },
    })
    const limits = { limitUpload: rate, limitDownload: 2 * rate }
    const unlimited = { upload: undefined, download: undefined }
    const limited = { upload: rate, download: 2 * rate }
    expect(limitsOf({ ...limits, mirror: {} }, onDisk)).toEqual({ store: unlimited, mirror: limited })
    expect(limitsOf(limits, onDisk).store).toEqual(limited)
    expect(limitsOf({ ...limits, mirror: {} }, new MemoryBackend()).store).toEqual(limited)
  })

  test.each(['10 KB/s', 0, NaN] as const)('%j is refused', async (limitUpload) => {
    expect(await codeOf((async () => new CheckpointStore(new MemoryBackend(), { limitUpload }))())).toBe(
      'INVALID_ARGUMENT',
    )
  })
})

describe('limitDownload', () => {
  test.each([
    ['a restore of a file', one, restore],
    ['a restore of a pack of files', many, restore],
    ['the reading of one file', one, readFile],
    ['the reading of a part of a file', one, readRange],
    ['a verification', one, (store: CheckpointStore) => store.verify()],
    [
      'a copy from the store',
      one,
      (store: CheckpointStore) => copyCheckpoints(store, openOn(new MemoryBackend('mem:to'))),
    ],
  ] as const)('slows down %s', async (_, files, use) => {
    const backend = new MemoryBackend()
    await openOn(backend, { packs: 'always', mode: 'shared' }).save({ step: 1, files })
    const environment = timeless()
    await use(openOn(backend, { limitDownload: rate, mode: 'shared' }, environment))
    expect(environment.waits()).toBe(1)
  })

  async function restore(store: CheckpointStore): Promise<void> {
    await store.restore('latest', { to: await emptyFolder() })
  }

  async function readFile(store: CheckpointStore): Promise<void> {
    const { body } = await store.read('latest', 'model.bin')
    for await (const _ of body) continue
  }

  async function readRange(store: CheckpointStore): Promise<void> {
    const { body } = await store.read('latest', 'model.bin', { range: { start: 0, end: size } })
    for await (const _ of body) continue
  }
})
