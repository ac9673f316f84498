import { describe, expect, test } from 'vitest'
import { MemoryBackend, systemEnvironment, type Environment } from '../../../src/index.ts'
import { FaultyBackend } from '../../stores.ts'
import { latestStep, stepsOf } from '../copy/copies.ts'
import { eventsOf, newPlaces, openMirrored, readerOf, saveAll } from './mirrors.ts'

/** A mirror whose puts wait until they are let go. */
class HeldBackend extends MemoryBackend {
  readonly #gate = Promise.withResolvers<undefined>()
  readonly #reached = Promise.withResolvers<undefined>()

  /** Resolves when the first put waits. */
  get reached(): Promise<unknown> {
    return this.#reached.promise
  }

  letGo(): void {
    this.#gate.resolve(undefined)
  }

  override async put(...parameters: Parameters<MemoryBackend['put']>) {
    if (parameters[0].startsWith('data/')) {
      this.#reached.resolve(undefined)
      await this.#gate.promise
    }
    return super.put(...parameters)
  }
}

/** Notes the limits of waits, which are over at once. */
function noting(limits: number[], limit: number): Environment {
  return {
    ...systemEnvironment,
    pause: async (milliseconds, signal) => {
      if (milliseconds !== limit) return systemEnvironment.pause(milliseconds, signal)
      limits.push(milliseconds)
    },
  }
}

describe('the wait for a mirror that does not answer', () => {
  test('ends at the limit of a flush, and the status shows what waits', async () => {
    const mirror = new HeldBackend('mem:mirror')
    const limits: number[] = []
    const store = openMirrored({ ...newPlaces(), mirror }, {}, noting(limits, 60_000))
    await saveAll(store, 1, 2)
    await mirror.reached
    const status = await store.mirror?.flush({ limit: 60_000 })
    expect(limits).toEqual([60_000])
    expect(status).toMatchObject({ state: 'copying', newest: undefined })
    expect(status?.waiting.map(({ step }) => step)).toEqual([1, 2])
    mirror.letGo()
    expect((await store.mirror?.flush({ limit: 3_600_000 }))?.waiting).toEqual([])
    expect(await stepsOf(readerOf(mirror))).toEqual([1, 2])
  })

  test('ends with its signal, also if the store does not answer any more', async () => {
    const places = { disk: new FaultyBackend('mem:disk'), mirror: new HeldBackend('mem:mirror') }
    const store = openMirrored(places)
    await saveAll(store, 1, 2)
    await places.mirror.reached
    places.disk.intercept = () => 'fail before'
    const status = await store.mirror?.flush({ signal: AbortSignal.abort() })
    expect(status?.waiting.map(({ step }) => step)).toEqual([1, 2])
    places.disk.intercept = () => 'pass'
    places.mirror.letGo()
  })

  test('ends at flushLimit when the store closes, and a later process copies the rest', async () => {
    const places = { ...newPlaces(), mirror: new HeldBackend('mem:mirror') }
    const limits: number[] = []
    const options = { mirrorOptions: { flushLimit: 60_000 } }
    const store = openMirrored(places, options, noting(limits, 60_000))
    await saveAll(store, 1)
    await places.mirror.reached
    const closing = store.close()
    await expect.poll(() => limits).toEqual([60_000])
    places.mirror.letGo()
    await closing
    const later = openMirrored(places)
    await later.mirror?.flush()
    expect(await stepsOf(readerOf(places.mirror))).toEqual([1])
  })
})

describe('the checkpoints that wait for a mirror', () => {
  async function threeWaiting(): Promise<{ readonly disk: MemoryBackend; readonly mirror: FaultyBackend }> {
    const places = { ...newPlaces(), mirror: new FaultyBackend('mem:mirror') }
    places.mirror.intercept = () => 'fail before'
    const store = openMirrored(places, { mirrorOptions: { flushLimit: 0 } })
    await saveAll(store, 1, 2, 3)
    await store.close()
    places.mirror.intercept = () => 'pass'
    return places
  }

  test.each<[string, boolean, readonly number[]]>([
    ['in the order of the saves', false, [1, 2, 3]],
    ['the latest first if the process is about to end', true, [3, 2, 1]],
  ])('are copied %s', async (_, newestFirst, expected) => {
    const places = await threeWaiting()
    const store = openMirrored(places)
    const mirrored = eventsOf(store, 'mirrored')
    await store.mirror?.flush({ newestFirst })
    expect(mirrored.map(({ step }) => step)).toEqual(expected)
    expect(await latestStep(readerOf(places.mirror))).toBe(3)
  })

  test('are copied by close, the latest first', async () => {
    const places = { ...newPlaces(), mirror: new FaultyBackend('mem:mirror') }
    places.mirror.intercept = () => 'fail before'
    const store = openMirrored(places)
    const failed = new Promise((resolve) => store.on('mirrorFailed', resolve))
    const mirrored = eventsOf(store, 'mirrored')
    await saveAll(store, 1, 2, 3)
    await failed
    places.mirror.intercept = () => 'pass'
    await store.close()
    expect(mirrored.map(({ step }) => step)).toEqual([3, 2, 1])
  })
})
