import { describe, expect, test } from 'vitest'
import { copyCheckpoints, type MemoryBackend } from '../../../src/index.ts'
import { FaultyBackend, flipBit, keysOf, storeOn, tamper, temporaryFolder } from '../../stores.ts'
import { copied, filesOf, latestStep, newStore, stepsOf, storeWith } from '../copy/copies.ts'
import { readMarker } from '../../../src/store/marker/read-marker.ts'
import { newPlaces, openMirrored, type Places, readerOf, saveAll, saveMirrored } from './mirrors.ts'

describe('a copy of a copy', () => {
  test('of a mirror is the checkpoint of its store, so that no way makes it twice', async () => {
    const places = newPlaces()
    const store = openMirrored(places)
    await saveMirrored(store, 1, 2)
    const archive = newStore()
    expect(await copied(readerOf(places.mirror), archive)).toEqual(['copied 1', 'copied 2'])
    expect(await copied(store, archive)).toEqual(['there 1', 'there 2'])
    await saveAll(store, 3)
    expect(await copied(store, archive)).toEqual(['there 1', 'there 2', 'copied 3'])
    await store.mirror?.flush()
    expect(await copied(readerOf(places.mirror), archive)).toEqual(['there 1', 'there 2', 'there 3'])
  })

  test('reaches the mirror of a store that was filled by a copy', async () => {
    const places = newPlaces()
    const origin = await storeWith(1, 2)
    const store = openMirrored(places)
    await copyCheckpoints(origin, store)
    await saveMirrored(store, 3)
    const copies = readerOf(places.mirror)
    expect(await stepsOf(copies)).toEqual([1, 2, 3])
    expect(await latestStep(copies)).toBe(3)
    expect(await copied(origin, copies)).toEqual(['there 1', 'there 2'])
  })
})

describe('verify of a mirror', () => {
  test('is followed by a deletion as the job of the store, and the next round copies the checkpoint again', async () => {
    const places = newPlaces()
    const store = openMirrored(places)
    await saveMirrored(store, 1, 2, 3)
    await damage(places.mirror, 2)
    const found = await readMarker(places.disk)
    const id = found.kind === 'good' ? found.marker.id : ''
    await storeOn(places.mirror, { job: `mirror of ${id}` }).delete([2])
    await saveMirrored(store, 4)
    const copies = readerOf(places.mirror)
    expect(await stepsOf(copies)).toEqual([1, 2, 3, 4])
    expect((await copies.verify()).good).toBe(true)
  })

  test('finds damage that the store does not have, also after later copies', async () => {
    const places = newPlaces()
    const store = openMirrored(places)
    await saveMirrored(store, 1, 2)
    const copies = readerOf(places.mirror)
    await damage(places.mirror, 2)
    const { good, checkpoints } = await copies.verify()
    expect([good, checkpoints.filter((each) => each.problems.length > 0).map(({ step }) => step)]).toEqual([
      false,
      [2],
    ])
    await saveMirrored(store, 3)
    expect((await copies.verify()).good).toBe(false)
    expect((await store.verify()).good).toBe(true)
  })
})

describe('the agreements of a mirror', () => {
  test('stay while a copy is interrupted, and are gone once it is made', async () => {
    const places = newPlaces()
    const mirror = new FaultyBackend('mem:mirror')
    const store = openMirrored({ ...places, mirror })
    await saveMirrored(store, 1)
    mirror.intercept = (method, key) =>
      method === 'put' && key.endsWith('model.bin') ? 'fail before' : 'pass'
    await saveAll(store, 2)
    await store.mirror?.flush()
    expect(await keysOf(mirror, 'agreements/')).toHaveLength(1)
    mirror.intercept = () => 'pass'
    await store.mirror?.flush()
    await store.close()
    expect(await keysOf(mirror, 'agreements/')).toEqual([])
    expect(await stepsOf(readerOf(mirror))).toEqual([1, 2])
  })

  test('are swept if the copy is not wanted any more', async () => {
    const places = newPlaces()
    const mirror = new FaultyBackend('mem:mirror')
    const store = openMirrored({ ...places, mirror })
    await saveMirrored(store, 1)
    mirror.intercept = (method, key) =>
      method === 'put' && key.endsWith('model.bin') ? 'fail before' : 'pass'
    await saveAll(store, 2)
    await store.mirror?.flush()
    await store.delete([2], { allowBest: true })
    mirror.intercept = () => 'pass'
    await store.close()
    const heir = storeOn(mirror, { mode: 'exclusive' })
    await heir.save({ step: 5, files: filesOf(5) }) // takes over, which ends all attempts of copies
    await heir.sweep()
    expect(await keysOf(mirror, 'agreements/')).toEqual([])
    expect(await keysOf(mirror, 'data/2-')).toEqual([])
  })
})

describe('the pins of a mirror', () => {
  test('follow those of the store', async () => {
    const places = newPlaces()
    const store = openMirrored(places)
    await saveMirrored(store, 1, 2)
    const copies = readerOf(places.mirror)
    const pins = async (): Promise<unknown> =>
      (await copies.list()).map(({ step, pinned }) => [step, pinned?.reason])
    await store.pin(1, 'paper')
    await store.mirror?.flush()
    expect(await pins()).toEqual([
      [1, 'paper'],
      [2, undefined],
    ])
    await store.pin(1, 'thesis')
    await store.mirror?.flush()
    expect(await pins()).toEqual([
      [1, 'thesis'],
      [2, undefined],
    ])
    await store.unpin(1)
    await store.mirror?.flush()
    expect(await pins()).toEqual([
      [1, undefined],
      [2, undefined],
    ])
  })

  test('end although the store dropped the checkpoint before the mirror was reached', async () => {
    const places = newPlaces()
    const options = { retention: { keepLast: 1 } }
    const first = openMirrored(places, options)
    await first.save({ step: 1, files: filesOf(1) })
    await first.pin(1)
    await saveMirrored(first, 2)
    await first.close()
    expect(await stepsOf(readerOf(places.mirror))).toEqual([1, 2])
    const alone = storeOn(places.disk, { mode: 'shared', ...options })
    await alone.unpin(1)
    await alone.save({ step: 3, files: filesOf(3) })
    expect(await stepsOf(alone)).toEqual([3])
    await saveMirrored(openMirrored(places, options), 4)
    expect(await stepsOf(readerOf(places.mirror))).toEqual([4])
  })

  test('stay while the original is in quarantine', async () => {
    const places = newPlaces()
    const store = openMirrored(places)
    await store.save({ step: 1, files: filesOf(1) })
    await store.pin(1, 'paper')
    await saveMirrored(store, 2)
    await damage(places.disk, 1)
    await store.restore(1, { to: await temporaryFolder(), fallback: true })
    await saveMirrored(store, 3)
    expect((await readerOf(places.mirror).get(1))?.pinned?.reason).toBe('paper')
  })
})

describe('maxTries', () => {
  /** A start of the job. The disk is new if `disk` is. */
  async function startOn(places: Places): Promise<readonly [number | undefined, readonly number[]]> {
    const store = openMirrored(places, { mirrorOptions: { flushLimit: 0 } })
    const to = await temporaryFolder()
    const restored = await store.restore('latest', { to, fallback: true, maxTries: 2 })
    await store.close()
    return [restored?.step, restored?.passedOver.map(({ step }) => step) ?? []]
  }

  async function lostDisk(...steps: readonly number[]): Promise<Places> {
    const places = newPlaces()
    const store = openMirrored(places)
    await saveMirrored(store, ...steps)
    await store.close()
    return { ...newPlaces(), mirror: places.mirror }
  }

  test('counts the restores from a mirror in the store, and steps back', async () => {
    const places = await lostDisk(40, 41, 42)
    const version = (await keysOf(places.mirror, 'catalog/')).length
    expect(await startOn(places)).toEqual([42, []])
    expect(await startOn(places)).toEqual([42, []])
    expect(await startOn(places)).toEqual([41, [42]])
    expect(await startOn(places)).toEqual([41, [42]])
    expect(await startOn(places)).toEqual([40, [42, 41]])
    expect((await keysOf(places.mirror, 'catalog/')).length).toBe(version)
  })

  test('lets the run save the steps again that it went back over, and the mirror follows', async () => {
    const places = await lostDisk(40, 41)
    for (let start = 0; start < 3; start += 1) await startOn(places)
    const store = openMirrored(places)
    await store.save({ step: 41, files: filesOf(410) })
    await store.mirror?.flush()
    const copies = readerOf(places.mirror)
    expect(await latestStep(copies)).toBe(41)
    expect((await copies.get(41))?.files).toMatchObject(
      (await store.get(41))?.files.map(({ sha256 }) => ({ sha256 })) ?? [],
    )
    await store.close()
    expect(await startOn(places)).toEqual([41, []])
  })

  test('counts a restore from the mirror of a checkpoint that is corrupt in the store, once', async () => {
    const places = newPlaces()
    const store = openMirrored(places)
    await saveMirrored(store, 40, 41)
    await store.close()
    await damage(places.disk, 41)
    expect(await startOn(places)).toEqual([41, []])
    const history = await readerOf(places.disk).history()
    expect(history.filter(({ did }) => did === 'count a restore of 41')).toHaveLength(1)
  })

  test('is not evaded by the copies in the mirror', async () => {
    const places = newPlaces()
    const store = openMirrored(places)
    await saveMirrored(store, 40)
    await store.close()
    expect(await startOn(places)).toEqual([40, []])
    expect(await startOn(places)).toEqual([40, []])
    await expect(startOn(places)).rejects.toMatchObject({ code: 'CORRUPT' })
  })
})

async function damage(backend: MemoryBackend, step: number): Promise<void> {
  const [key = ''] = (await keysOf(backend, `data/${step}-`)).filter((each) => each.endsWith('model.bin'))
  await tamper(backend, key, flipBit)
}

describe('an undo in a store with a mirror', () => {
  test('lets the mirror get what it did not have yet', async () => {
    const places = newPlaces()
    const mirror = new FaultyBackend('mem:mirror')
    const store = openMirrored({ ...places, mirror })
    await saveMirrored(store, 1)
    mirror.intercept = (method, key) =>
      method === 'put' && key.endsWith('model.bin') ? 'fail before' : 'pass'
    await saveAll(store, 2, 3)
    await store.mirror?.flush()
    await store.delete([2], { undoFor: '1 h' })
    expect((await store.mirrorStatus())?.waiting.map(({ step }) => step)).toEqual([3])
    await store.undo()
    mirror.intercept = () => 'pass'
    await store.mirror?.flush()
    expect((await store.mirrorStatus())?.waiting).toEqual([])
    expect(await stepsOf(readerOf(mirror))).toEqual([1, 2, 3])
  })

  test('changes nothing at the mirror, which kept its copy', async () => {
    const places = newPlaces()
    const store = openMirrored(places)
    await saveMirrored(store, 1, 2, 3)
    await store.delete([2], { undoFor: '1 h' })
    await saveMirrored(store, 4)
    expect(await stepsOf(readerOf(places.mirror))).toEqual([1, 2, 3, 4])
    const before = await keysOf(places.mirror, 'data/')
    await store.undo()
    await store.mirror?.flush()
    expect((await store.mirrorStatus())?.waiting).toEqual([])
    expect(await keysOf(places.mirror, 'data/')).toEqual(before)
  })
})
