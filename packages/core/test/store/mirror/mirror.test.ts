import { describe, expect, test } from 'vitest'
import { HoldfastError, systemEnvironment, type Environment } from '../../../src/index.ts'
import { codeOf, FaultyBackend, flipBit, keysOf, tamper } from '../../stores.ts'
import { filesOf, latestStep, stepsOf } from '../copy/copies.ts'
import { eventsOf, newPlaces, openMirrored, readerOf, saveAll, saveMirrored } from './mirrors.ts'

/** Pauses of a second or more last until they are ended by a signal. */
const withoutTime: Environment = {
  ...systemEnvironment,
  pause: (milliseconds, signal) =>
    milliseconds < 1000
      ? systemEnvironment.pause(milliseconds, signal)
      : new Promise((_, reject) => {
          const stop = (): void => {
            reject(new HoldfastError('ABORTED', 'The pause was ended'))
          }
          if (signal?.aborted === true) stop()
          signal?.addEventListener('abort', stop)
        }),
}

describe('a mirror', () => {
  test('gets every checkpoint in the background', async () => {
    const places = newPlaces()
    const store = openMirrored(places)
    const mirrored = eventsOf(store, 'mirrored')
    await saveMirrored(store, 1, 2, 3)
    const copies = readerOf(places.mirror)
    expect(await stepsOf(copies)).toEqual([1, 2, 3])
    expect((await copies.verify()).good).toBe(true)
    expect(await latestStep(copies)).toBe(3)
    expect(mirrored.map(({ step }) => step)).toEqual([1, 2, 3])
    expect(await store.mirror?.status()).toMatchObject({ state: 'idle', newest: { step: 3 }, waiting: [] })
  })

  test('refuses a misspelt option of a flush', async () => {
    const flushing = openMirrored(newPlaces()).mirror?.flush({ limt: 0 } as object)
    await expect(flushing).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
  })

  test('gets what its own retention keeps, and the store keeps what its own keeps', async () => {
    const places = newPlaces()
    const store = openMirrored(places, {
      retention: { keepLast: 1 },
      mirrorOptions: { retention: { keepLast: 2 } },
    })
    await saveMirrored(store, 1)
    await saveMirrored(store, 2)
    await saveMirrored(store, 3)
    expect(await stepsOf(store)).toEqual([3])
    expect(await stepsOf(readerOf(places.mirror))).toEqual([2, 3])
  })

  test('gets late metrics, pins and rewinds', async () => {
    const places = newPlaces()
    const store = openMirrored(places)
    await saveMirrored(store, 8, 16, 24)
    await store.attach(8, { accuracy: 0.5 })
    await store.pin(8, 'before lr drop')
    await store.rewind(16)
    await store.mirror?.flush()
    const copies = readerOf(places.mirror)
    expect((await copies.list()).map(({ step, metrics, pinned }) => [step, metrics, pinned?.reason])).toEqual(
      [
        [8, { loss: 8, accuracy: 0.5 }, 'before lr drop'],
        [16, { loss: 16 }, undefined],
      ],
    )
    expect(await latestStep(copies)).toBe(16)
    expect((await copies.abandoned()).map(({ step }) => step)).toEqual([24])
    await store.save({ step: 24, files: filesOf(240) })
    await store.mirror?.flush()
    expect(await latestStep(copies)).toBe(24)
    expect(await stepsOf(copies)).toEqual([8, 16, 24])
    expect(await copies.abandoned()).toEqual([])
  })

  test('abandons what a rewind left behind although the store has dropped it since', async () => {
    const places = newPlaces()
    const first = openMirrored(places)
    await saveMirrored(first, 8, 16, 24)
    await first.close()
    const alone = readerOf(places.disk)
    await alone.rewind(16)
    await alone.save({ step: 20, files: filesOf(20) })
    const store = openMirrored(places)
    await store.mirror?.flush()
    const copies = readerOf(places.mirror)
    expect(await stepsOf(copies)).toEqual([8, 16, 20])
    expect(await latestStep(copies)).toBe(20)
  })

  test('gets the same checkpoint under its step after it was replaced', async () => {
    const places = newPlaces()
    const store = openMirrored(places)
    await saveMirrored(store, 1, 2)
    await store.save({ step: 1, files: filesOf(10), onExisting: 'replace' })
    await store.mirror?.flush()
    const copies = readerOf(places.mirror)
    expect((await copies.get(1))?.files.map(({ sha256 }) => sha256)).toEqual(
      (await store.get(1))?.files.map(({ sha256 }) => sha256),
    )
    expect(await latestStep(copies)).toBe(1)
  })

  test('is continued by a later process of the store', async () => {
    const places = newPlaces()
    const failing = new FaultyBackend('mem:mirror')
    failing.intercept = () => 'fail before'
    const first = openMirrored({ ...places, mirror: failing }, {}, withoutTime)
    await saveAll(first, 1, 2)
    await first.close()
    const second = openMirrored(places)
    await saveMirrored(second, 3)
    expect(await stepsOf(readerOf(places.mirror))).toEqual([1, 2, 3])
  })
})

test('a checkpoint that is corrupt in the store is not read for the mirror again after each save', async () => {
  const disk = new FaultyBackend('mem:disk')
  const places = { ...newPlaces(), disk }
  const failing = new FaultyBackend('mem:mirror')
  failing.intercept = () => 'fail before'
  const alone = openMirrored(
    { ...places, mirror: failing },
    { mirrorOptions: { flushLimit: 0 } },
    withoutTime,
  )
  await saveAll(alone, 1)
  await alone.close()
  const file = (await keysOf(disk, 'data/1-')).find((key) => key.endsWith('model.bin')) ?? ''
  await tamper(disk, file, flipBit)
  const store = openMirrored(places, {}, withoutTime)
  const failures = eventsOf(store, 'mirrorFailed')
  await saveMirrored(store, 2)
  const reads = (): number => disk.calls.filter((call) => call === `read ${file}`).length
  const before = reads()
  await saveMirrored(store, 3)
  await saveMirrored(store, 4)
  expect([reads(), failures.length]).toEqual([before, 1])
  expect((await store.mirror?.status())?.failed.map(({ step }) => step)).toEqual([1])
  expect(await stepsOf(readerOf(places.mirror))).toEqual([2, 3, 4])
})

describe('a mirror that fails', () => {
  test('fails no save, and is reported', async () => {
    const mirror = new FaultyBackend('mem:mirror')
    mirror.intercept = () => 'fail before'
    const store = openMirrored({ ...newPlaces(), mirror }, {}, withoutTime)
    const failures = eventsOf(store, 'mirrorFailed')
    await saveAll(store, 1, 2)
    const status = await store.mirror?.flush()
    expect(status).toMatchObject({ state: 'failing', newest: undefined, error: { code: 'UNAVAILABLE' } })
    expect(status?.waiting.map(({ step }) => step)).toEqual([1, 2])
    expect(failures.length).toBeGreaterThan(0)
    expect(await codeOf(store.close())).toBe('no error')
  })

  test('is not tried again by close if a flush has just failed', async () => {
    const mirror = new FaultyBackend('mem:mirror')
    mirror.intercept = () => 'fail before'
    const store = openMirrored({ ...newPlaces(), mirror }, {}, withoutTime)
    const failures = eventsOf(store, 'mirrorFailed')
    await saveAll(store, 1)
    await store.mirror?.flush()
    const { length } = failures
    await store.flush()
    await store.close()
    expect(failures).toHaveLength(length)
  })

  test('is tried again after a pause, and then gets all', async () => {
    const mirror = new FaultyBackend('mem:mirror')
    mirror.intercept = () => 'fail before'
    const pauses: number[] = []
    let goOn: (() => void) | undefined
    const store = openMirrored(
      { ...newPlaces(), mirror },
      {},
      {
        ...systemEnvironment,
        pause: (milliseconds, signal) => {
          if (milliseconds < 1000) return systemEnvironment.pause(milliseconds, signal)
          pauses.push(milliseconds)
          return new Promise((resolve) => (goOn = resolve))
        },
      },
    )
    const failed = new Promise((resolve) => store.on('mirrorFailed', resolve))
    await saveAll(store, 1)
    await failed
    mirror.intercept = () => 'pass'
    const mirrored = new Promise((resolve) => store.on('mirrored', resolve))
    goOn?.()
    expect(await mirrored).toMatchObject({ step: 1 })
    expect(pauses).toEqual([1000])
    await store.mirror?.flush({ limit: 0 })
  })

  test('keeps checkpoints in the store beyond its retention, up to maxBehind', async () => {
    const mirror = new FaultyBackend('mem:mirror')
    mirror.intercept = () => 'fail before'
    const places = { ...newPlaces(), mirror }
    const options = { retention: { keepLast: 1 }, mirrorOptions: { maxBehind: 3, flushLimit: 0 } }
    const store = openMirrored(places, options, withoutTime)
    const lost = eventsOf(store, 'droppedUnmirrored')
    await saveAll(store, 1, 2, 3, 4, 5, 6)
    await store.flush()
    expect(await stepsOf(store)).toEqual([4, 5, 6])
    expect(lost.map(({ step }) => step)).toEqual([1, 2, 3])
    expect((await store.list()).map(({ keptBecause }) => keptBecause.join())).toEqual([
      'not mirrored yet',
      'not mirrored yet',
      'last 1',
    ])
    mirror.intercept = () => 'pass'
    await store.mirror?.flush({ limit: 10_000 })
    await saveAll(store, 7)
    expect(await stepsOf(store)).toEqual([7])
  })

  test('keeps checkpoints from other writers of the store, which know nothing of the mirror', async () => {
    const mirror = new FaultyBackend('mem:mirror')
    mirror.intercept = () => 'fail before'
    const places = { ...newPlaces(), mirror }
    const store = openMirrored(places, { mode: 'shared', mirrorOptions: { flushLimit: 0 } }, withoutTime)
    await saveAll(store, 1, 2)
    const other = readerOf(places.disk)
    await other.save({ step: 3, files: filesOf(3) })
    await store.close()
    const pruner = readerOf(places.disk)
    await pruner.save({ step: 4, files: filesOf(4) })
    expect(await stepsOf(pruner)).toEqual([1, 2, 3, 4])
  })
})
