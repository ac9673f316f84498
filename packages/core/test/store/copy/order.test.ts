import { describe, expect, test } from 'vitest'
import { MemoryBackend } from '../../../src/index.ts'
import { keysOf, storeOn } from '../../stores.ts'
import { copied, filesOf, latestStep, newStore, storeWith } from './copies.ts'

describe('the latest checkpoint of a destination', () => {
  test('is that of the source if copies arrive newest first', async () => {
    const from = await storeWith(48, 8, 16)
    const store = newStore()
    for (const checkpoint of [16, 8, 48]) {
      await copied(from, store, { checkpoints: [checkpoint] })
      expect(await latestStep(store)).toBe(16)
    }
  })

  test('is that of the origin that came last if copies of two origins arrive in turn', async () => {
    const [one, other] = [await storeWith(10, 20, 30), await storeWith(1, 2, 3)]
    const store = newStore()
    const arrivals = [
      [one, 10, 10],
      [other, 1, 1],
      [one, 20, 1],
      [other, 2, 2],
      [one, 30, 2],
      [other, 3, 3],
    ] as const
    for (const [from, checkpoint, latest] of arrivals) {
      await copied(from, store, { checkpoints: [checkpoint] })
      expect(await latestStep(store)).toBe(latest)
    }
  })

  test('is not that of a partitioned node that copies its backlog late', async () => {
    const [partitioned, live] = [await storeWith(100, 101, 102), await storeWith(50)]
    const store = newStore()
    await copied(partitioned, store, { checkpoints: [100] })
    await copied(live, store)
    await copied(partitioned, store)
    expect(await latestStep(store)).toBe(50)
  })

  test('is not that of a late backlog either if retention has dropped all its other copies', async () => {
    const [partitioned, live] = [await storeWith(100, 101), await storeWith(50)]
    const store = storeOn(new MemoryBackend(), { mode: 'shared', retention: { keepLast: 1 } })
    await copied(partitioned, store, { checkpoints: [100] })
    await copied(live, store)
    expect(await copied(partitioned, store)).toEqual([
      'skipped 100: not among the last 1',
      'skipped 101: not among the last 1',
    ])
    expect(await latestStep(store)).toBe(50)
    await copied(partitioned, storeOn(store.backend, { mode: 'shared', retention: { keepLast: 3 } }))
    expect(await latestStep(store)).toBe(50)
  })

  test('is a copy after saves, a save after copies, and not a copy that arrives after that', async () => {
    const from = await storeWith(1, 2, 3)
    const store = await storeWith(100)
    await copied(from, store, { checkpoints: [1] })
    expect(await latestStep(store)).toBe(1)
    await store.save({ step: 50, files: filesOf(50) })
    expect(await latestStep(store)).toBe(50)
    await copied(from, store)
    expect(await latestStep(store)).toBe(50)
    await store.save({ step: 0, files: filesOf(0) })
    expect(await latestStep(store)).toBe(0)
  })

  test('is a save that began before a copy only until the copy arrives', async () => {
    const from = await storeWith(1)
    const backend = new MemoryBackend()
    const store = storeOn(backend, { mode: 'shared' })
    await store.save({ step: 10, files: filesOf(10) })
    const slow = (async function* () {
      await copied(from, storeOn(backend, { mode: 'shared' }))
      yield Buffer.from('slow')
    })()
    await store.save({ step: 11, files: { 'model.bin': slow } })
    expect(await latestStep(store)).toBe(1)
  })
})

describe('a copy of a copy', () => {
  test('has the origin of the first store, so that no way makes it twice', async () => {
    const from = await storeWith(1, 2)
    const mirror = newStore()
    await copied(from, mirror)
    const store = newStore()
    await copied(mirror, store)
    expect(await copied(from, store)).toEqual(['there 1', 'there 2'])
    expect(await copied(store, mirror)).toEqual(['there 1', 'there 2'])
    expect(await copied(store, from)).toEqual(['there 1', 'there 2'])
  })

  test('keeps the order of its source, also if it arrives newest first', async () => {
    const from = await storeWith(1, 2)
    const mirror = newStore()
    await copied(from, mirror)
    await mirror.save({ step: 0, files: filesOf(0) })
    const store = newStore()
    for (const checkpoint of [0, 2, 1]) {
      await copied(mirror, store, { checkpoints: [checkpoint] })
      expect(await latestStep(store)).toBe(0)
    }
  })

  test('comes back to its own store as the checkpoint that it was there', async () => {
    const from = await storeWith(1, 2, 3)
    const mirror = newStore()
    await copied(from, mirror)
    await from.delete([2])
    expect(await copied(mirror, from)).toEqual(['there 1', 'copied 2', 'there 3'])
    expect(await latestStep(from)).toBe(3)
    await from.save({ step: 4, files: filesOf(4) })
    expect(await copied(from, mirror)).toEqual(['there 1', 'there 2', 'there 3', 'copied 4'])
    expect(await latestStep(mirror)).toBe(4)
  })
})

describe('a store of copies whose catalog is lost', () => {
  test('has the same order after a repair, for copies and saves that follow, too', async () => {
    const [one, other] = [await storeWith(10, 20), await storeWith(1)]
    const backend = new MemoryBackend()
    const store = storeOn(backend, { mode: 'shared' })
    await copied(one, store, { checkpoints: [10] })
    await copied(other, store)
    await backend.delete([...(await keysOf(backend, 'catalog/')), ...(await keysOf(backend, 'pages/'))])
    const repaired = storeOn(backend, { mode: 'shared' })
    await repaired.repair()
    expect(await latestStep(repaired)).toBe(1)
    expect(await copied(one, repaired)).toEqual(['there 10', 'copied 20'])
    expect(await latestStep(repaired)).toBe(1)
    await repaired.save({ step: 5, files: filesOf(5) })
    expect(await latestStep(repaired)).toBe(5)
  })
})
