import { describe, expect, test } from 'vitest'
import {
  type CheckpointStore,
  type Environment,
  MemoryBackend,
  type SpaceOptions,
  systemEnvironment,
} from '../../src/index.ts'
import { type BackendCapabilities, type FreeSpace } from '../../src/backend.ts'
import {
  codeOf,
  FaultyBackend,
  flipBit,
  foldingEarly,
  keysOf,
  storeOn,
  tamper,
  temporaryFolder,
} from '../stores.ts'
import { eventsOf, openMirrored } from './mirror/mirrors.ts'

const total = 100_000_000

/** A memory backend of limited size: stored bytes reduce the free space. */
class SmallBackend extends MemoryBackend {
  override readonly capabilities: BackendCapabilities = {
    ...new MemoryBackend().capabilities,
    freeSpace: 'measured',
  }
  available = total

  override async freeSpace(): Promise<FreeSpace> {
    return { kind: 'measured', available: this.available, total }
  }
}

const files = { a: Buffer.alloc(1_000_000) }

describe('the free-space guard', () => {
  test('rejects a save before its first byte, and reports how much space is missing', async () => {
    const backend = new SmallBackend()
    const store = storeOn(backend, { space: { refuseBelow: '50 MB' } })
    await store.save({ step: 1, files })
    const before = await keysOf(backend)
    backend.available = 50_500_000
    await expect(store.save({ step: 2, files })).rejects.toThrow(
      /step 2 needs 1\.0 MB and 50 MB is kept free, but only 51 MB is free\. Nothing of step 2 was written/,
    )
    expect(await keysOf(backend)).toEqual(before)
    backend.available = 52_000_000
    await store.save({ step: 2, files })
  })

  test('rejects a save that does not fit, also without a threshold', async () => {
    const backend = new SmallBackend()
    const store = storeOn(backend)
    await store.save({ step: 1, files })
    backend.available = 900_000
    expect(await codeOf(store.save({ step: 2, files }))).toBe('INSUFFICIENT_SPACE')
  })

  test('advises to delete checkpoints only if there is one that can be deleted', async () => {
    const backend = new SmallBackend()
    const store = storeOn(backend)
    const advised: number[] = []
    for (const step of [1, 2, 3]) {
      backend.available = 0
      const refused: unknown = await store.save({ step, files }).catch((error: unknown) => error)
      if (String(refused).includes('Delete checkpoints with store.delete().')) advised.push(step)
      backend.available = total
      await store.save({ step, files })
    }
    for (const step of [1, 2, 3]) await store.pin(step)
    backend.available = 0
    const pinned: unknown = await store.save({ step: 4, files }).catch((error: unknown) => error)
    expect(String(pinned)).not.toContain('Delete checkpoints')
    expect(advised).toEqual([3])
  })

  test('names the checkpoints that a repair pinned, and advises to unpin those that need no pin', async () => {
    const backend = new SmallBackend()
    const writer = storeOn(backend, { mode: 'shared' })
    for (let step = 1; step <= 7; step += 1) await writer.save({ step, files })
    await writer.pin(7, 'for the paper')
    await writer.save({ step: 8, files })
    await tamper(backend, (await keysOf(backend, 'catalog/')).at(-1) ?? '', flipBit)
    const store = storeOn(backend, { mode: 'shared' })
    await store.repair()
    backend.available = 0
    const refused: unknown = await store.save({ step: 9, files }).catch((error: unknown) => error)
    expect(refused).toMatchObject({
      code: 'INSUFFICIENT_SPACE',
      hint: { kind: 'free-space', canDelete: false, repairPinned: [1, 2, 3, 4, 5, 6, 8] },
    })
    expect(String(refused)).toContain(
      'A repair pinned steps 1, 2, 3, 4, 5 and 2 more, which may need no pin. ' +
        'If checkpoints that a repair pinned need no pin, pass their steps to store.unpin(), and delete them.',
    )
    await store.unpin([1, 2, 3, 4, 5, 6])
    await expect(store.save({ step: 9, files })).rejects.toThrow(
      'A repair pinned step 8, which may need no pin.',
    )
    await store.unpin(8)
    await expect(store.save({ step: 9, files })).rejects.not.toThrow('A repair')
  })

  test('advises to unpin nothing if the only checkpoint is the one that a repair pinned', async () => {
    const backend = new SmallBackend()
    await storeOn(backend, { mode: 'shared' }).save({ step: 1, files })
    await backend.delete(await keysOf(backend, 'catalog/'))
    const store = storeOn(backend, { mode: 'shared' })
    expect(await store.repair()).toMatchObject({ pinned: [1] })
    backend.available = 0
    await expect(store.save({ step: 2, files })).rejects.toMatchObject({
      code: 'INSUFFICIENT_SPACE',
      hint: undefined,
    })
  })

  test('counts the full size of a replacement, since the old checkpoint exists until the commit', async () => {
    const backend = new SmallBackend()
    const store = storeOn(backend)
    await store.save({ step: 1, files })
    backend.available = 500_000
    const other = { a: Buffer.alloc(600_000, 1) }
    expect(await codeOf(store.save({ step: 1, files: other, onExisting: 'replace' }))).toBe(
      'INSUFFICIENT_SPACE',
    )
  })

  test('uses the sizes of checkpoints in pages if all others were deleted', async () => {
    const backend = new SmallBackend()
    const store = storeOn(backend, {}, foldingEarly)
    for (let step = 1; step <= 8; step += 1) await store.save({ step, files })
    await store.delete([7, 8])
    async function* stream(): AsyncGenerator<Uint8Array> {
      yield Buffer.alloc(10)
    }
    backend.available = 900_000
    expect(await codeOf(store.save({ step: 9, files: { a: stream() } }))).toBe('INSUFFICIENT_SPACE')
  })

  test('assumes for a stream the size of the largest of the latest checkpoints', async () => {
    const backend = new SmallBackend()
    const store = storeOn(backend)
    await store.save({ step: 1, files })
    async function* stream(): AsyncGenerator<Uint8Array> {
      yield Buffer.alloc(10)
    }
    backend.available = 900_000
    expect(await codeOf(store.save({ step: 2, files: { a: stream() } }))).toBe('INSUFFICIENT_SPACE')
    backend.available = 1_100_000
    await store.save({ step: 2, files: { a: stream() } })
  })

  test('emits an event if free space is low, in bytes or in percent', async () => {
    for (const [warnBelow, available, warned] of [
      ['10%', 11_500_000, 0],
      ['10%', 10_500_000, 1],
      ['20 MB', 20_500_000, 1],
      [0, 2_000_000, 0],
    ] as const) {
      const backend = new SmallBackend()
      const store = storeOn(backend, { space: { warnBelow } })
      await store.save({ step: 1, files })
      const events: number[] = []
      store.on('spaceLow', ({ left }) => events.push(left))
      backend.available = available
      await store.save({ step: 2, files })
      expect(events.length, `${warnBelow} of ${available}`).toBe(warned)
    }
  })

  test('rejects invalid thresholds when the store is opened', () => {
    for (const warnBelow of ['lots', '-5 GB', '120%', '%', -1, Number.NaN, '5 parsecs']) {
      expect(
        () => storeOn(new MemoryBackend(), { space: { warnBelow } as SpaceOptions }),
        String(warnBelow),
      ).toThrow(/is not a size|must be a percentage/)
    }
  })
})

describe('making room', () => {
  const space = { makeRoom: true }

  /** Has space for three checkpoints of a megabyte and their documents. */
  class FullBackend extends SmallBackend {
    capacity = 3_100_000
    /** Each object uses an inode. */
    inodes = 1000

    override async freeSpace(): Promise<FreeSpace> {
      const objects = await Array.fromAsync(this.list(''))
      const stored = objects.reduce((sum, { size }) => sum + size, 0)
      const files = { available: Math.max(0, this.inodes - objects.length), total: this.inodes }
      return { kind: 'measured', available: Math.max(0, this.capacity - stored), total, files }
    }
  }

  test('drops the oldest checkpoints until the save fits, and names them in the result', async () => {
    const store = storeOn(new FullBackend(), { space })
    for (const step of [1, 2, 3]) expect((await store.save({ step, files })).dropped).toEqual([])
    const saved = await store.save({ step: 4, files: { a: Buffer.alloc(2_000_000) } })
    expect(saved.dropped).toEqual([
      { step: 1, because: 'to make room for step 4' },
      { step: 2, because: 'to make room for step 4' },
    ])
    expect((await store.list()).map(({ step }) => step)).toEqual([3, 4])
  })

  test.each([
    [1, [2, 3]],
    [2, [3]],
  ])('drops only what a rewind to step %i abandoned if that is enough', async (step, abandoned) => {
    const store = storeOn(new FullBackend(), { space })
    for (const each of [1, 2, 3]) await store.save({ step: each, files })
    await store.rewind(step)
    const saved = await store.save({ step: 4, files })
    expect(saved.dropped).toEqual(abandoned.map((each) => ({ step: each, because: 'abandoned by a rewind' })))
    expect((await store.list()).map((each) => each.step)).toEqual(
      [1, 2, 4].filter((each) => !abandoned.includes(each)),
    )
  })

  test('drops the oldest as well if what a rewind abandoned is not enough', async () => {
    const store = storeOn(new FullBackend(), { space })
    for (const step of [1, 2, 3]) await store.save({ step, files })
    await store.rewind(2)
    const saved = await store.save({ step: 4, files: { a: Buffer.alloc(2_000_000) } })
    expect(saved.dropped).toEqual([
      { step: 3, because: 'abandoned by a rewind' },
      { step: 1, because: 'to make room for step 4' },
    ])
  })

  test('drops nothing if that is not enough without a checkpoint that this process restores', async () => {
    const refused: string[] = []
    const deliver: Environment['deliver'] = async (...delivery) => {
      refused.push(await codeOf(store.save({ step: 4, files: { a: Buffer.alloc(2_000_000) } })))
      return systemEnvironment.deliver(...delivery)
    }
    const store = storeOn(new FullBackend(), { space }, { ...systemEnvironment, deliver })
    for (const step of [1, 2, 3]) await store.save({ step, files })
    await store.restore(1, { to: await temporaryFolder() })
    expect(refused).toEqual(['INSUFFICIENT_SPACE'])
    expect((await store.list()).map(({ step }) => step)).toEqual([1, 2, 3])
  })

  describe('for a save that lacks bytes and inodes', () => {
    const large = { large: Buffer.alloc(1_000_000) }
    const many = Object.fromEntries(Array.from({ length: 20 }, (_, index) => [`${index}`, Buffer.alloc(10)]))

    /** Step 1 has many inodes, step 2 has many bytes, and nothing else fits. */
    async function fullStore(options: SpaceOptions): Promise<CheckpointStore> {
      const backend = new FullBackend()
      const store = storeOn(backend, { space: options, packs: 'never' })
      await store.save({ step: 1, files: many })
      await store.save({ step: 2, files: large })
      await store.save({ step: 3, files: { small: Buffer.alloc(10) } })
      backend.capacity = 1_200_000
      backend.inodes = (await keysOf(backend)).length + 4
      return store
    }

    test('drops checkpoints until both suffice', async () => {
      const store = await fullStore({ makeRoom: true })
      const saved = await store.save({ step: 4, files: { ...large, a: Buffer.from('a') } })
      expect(saved.dropped.map(({ step }) => step)).toEqual([1, 2])
    })

    test('drops nothing if only one of them can suffice', async () => {
      const store = await fullStore({ makeRoom: true })
      const files = { huge: Buffer.alloc(1_300_000), a: Buffer.from('a') }
      await expect(store.save({ step: 4, files })).rejects.toMatchObject({ code: 'INSUFFICIENT_SPACE' })
      expect((await store.list()).map(({ step }) => step)).toEqual([1, 2, 3])
    })

    test('names both', async () => {
      const store = await fullStore({})
      await expect(store.save({ step: 4, files: large })).rejects.toThrow(
        /step 4 needs 1\.0 MB, but only \d+ KB is free\. It also needs \d+ inodes .* has only 4 inodes left\. .* Free \d+ KB and \d inodes\. To make room, Holdfast would drop steps 1 and 2/,
      )
    })
  })

  test('drops what the mirror lacks after all others, and reports that', async () => {
    const places = { disk: new FullBackend('mem:disk'), mirror: new FaultyBackend('mem:mirror') }
    places.disk.capacity = 3_600_000 // the record of the mirror takes many versions of the catalog
    places.mirror.intercept = () => 'fail before'
    const store = openMirrored(places, { space, mirrorOptions: { flushLimit: 0 } })
    const lost = eventsOf(store, 'droppedUnmirrored')
    const dropsOf = async (step: number, size: number): Promise<readonly number[]> => {
      const { dropped } = await store.save({ step, files: { a: Buffer.alloc(size) } })
      const status = await store.mirror?.flush({ limit: 60_000 })
      expect(status?.waiting.map((each) => each.step)).toEqual(step < 5 ? [1] : [])
      return dropped.map((each) => each.step).toSorted()
    }
    await store.save({ step: 1, files })
    const [file] = (await keysOf(places.disk, 'data/1-')).filter((key) => !key.endsWith('manifest.json'))
    await tamper(places.disk, file ?? '', flipBit) // so it never reaches the mirror
    places.mirror.intercept = () => 'pass'
    for (const step of [2, 3]) expect(await dropsOf(step, 1_000_000)).toEqual([])
    expect(await dropsOf(4, 1_000_000)).toEqual([2])
    expect(lost).toEqual([])
    expect(await dropsOf(5, 2_000_000)).toEqual([1, 3])
    expect(lost.map(({ step }) => step)).toEqual([1])
  })

  test('reports in one result what makes room and what retention drops', async () => {
    const store = storeOn(new FullBackend(), { space, retention: { keepLast: 2 } })
    for (const step of [1, 2]) await store.save({ step, files })
    const saved = await store.save({ step: 3, files: { a: Buffer.alloc(1_500_000) } })
    expect(saved.dropped).toEqual([{ step: 1, because: 'to make room for step 3' }])
    const next = await store.save({ step: 4, files: { a: Buffer.alloc(10) } })
    expect(next.dropped.map(({ step }) => step)).toEqual([2])
  })

  test('rejects the save instead of dropping a pinned, the best or the last good checkpoint', async () => {
    const backend = new FullBackend()
    const store = storeOn(backend, { space, objectives: { loss: { metric: 'loss', direction: 'min' } } })
    await store.save({ step: 1, files })
    await store.pin(1)
    await store.save({ step: 2, files, metrics: { loss: 1 } })
    await store.save({ step: 3, files, metrics: { loss: 2 } })
    const before = await keysOf(backend)
    await expect(store.save({ step: 4, files })).rejects.toThrow('Not enough space')
    expect(await keysOf(backend)).toEqual(before)
  })
})
