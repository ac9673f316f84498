import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import {
  type CheckpointStore,
  HoldfastError,
  MemoryBackend,
  type RestoreOptions,
  systemEnvironment,
} from '../../../src/index.ts'
import { orAborted } from '../../../src/async/or-aborted.ts'
import { overloaded } from '../../../src/backend/overload.ts'
import { StoreEventEmitter } from '../../../src/store/context/events.ts'
import { readMarker } from '../../../src/store/marker/read-marker.ts'
import { codeOf, FaultyBackend, flipBit, keysOf, storeOn, tamper, temporaryFolder } from '../../stores.ts'
import { readTree, writeTree } from '../../trees.ts'
import { filesOf, latestStep, stepsOf } from '../copy/copies.ts'
import {
  cloneOf,
  eventsOf,
  newPlaces,
  openMirrored,
  type Places,
  readerOf,
  saveAll,
  saveMirrored,
} from './mirrors.ts'

/** Restores, and returns the step, the place and the content of the model. */
async function restoredFrom(
  store: CheckpointStore,
  options: Omit<RestoreOptions, 'to'> = {},
  choice: 'latest' | number = 'latest',
): Promise<readonly [number, 'store' | 'mirror' | undefined, string] | undefined> {
  const to = await temporaryFolder()
  const restored = await store.restore(choice, { to, ...options })
  return restored && [restored.step, restored.source?.from, await readFile(join(to, 'model.bin'), 'utf8')]
}

function model(step: number): string {
  return `model of step ${step}`
}

async function damage(backend: MemoryBackend, step: number): Promise<void> {
  const keys = await keysOf(backend, `data/${step}-`)
  await tamper(backend, keys.find((key) => key.endsWith('model.bin')) ?? '', flipBit)
}

async function damageCatalog(disk: MemoryBackend): Promise<void> {
  await tamper(disk, (await keysOf(disk, 'catalog/')).at(-1) ?? '', flipBit)
}

async function idOf(backend: MemoryBackend): Promise<string | undefined> {
  const found = await readMarker(backend)
  return found.kind === 'good' ? found.marker.id : undefined
}

describe('a restore with a mirror', () => {
  test('uses the store if the mirror is not ahead, and reports that', async () => {
    const places = newPlaces()
    const store = openMirrored(places)
    await saveMirrored(store, 1)
    await saveAll(store, 2)
    const choices = eventsOf(store, 'restoringFrom')
    expect(await restoredFrom(store)).toEqual([2, 'store', model(2)])
    expect(choices).toMatchObject([{ from: 'store', url: 'mem:disk' }])
  })

  test('finds nothing if both are new', async () => {
    expect(await restoredFrom(openMirrored(newPlaces()))).toBeUndefined()
  })

  test('uses the mirror on a fresh disk, and continues the run there', async () => {
    const places = newPlaces()
    const first = openMirrored(places)
    await saveMirrored(first, 1, 2)
    await first.close()
    const { disk } = newPlaces()
    const second = openMirrored({ ...places, disk })
    const choices = eventsOf(second, 'restoringFrom')
    expect(await restoredFrom(second)).toEqual([2, 'mirror', model(2)])
    expect(choices).toMatchObject([{ from: 'mirror', url: 'mem:mirror' }])
    await saveMirrored(second, 3)
    expect(await restoredFrom(second)).toEqual([3, 'store', model(3)])
    const copies = readerOf(places.mirror)
    expect(await stepsOf(copies)).toEqual([1, 2, 3])
    expect(await latestStep(copies)).toBe(3)
  })

  test('prefers what a fresh disk saved since, although the mirror does not have it yet', async () => {
    const places = newPlaces()
    const first = openMirrored(places)
    await saveMirrored(first, 1, 2)
    await first.close()
    const { disk } = newPlaces()
    const second = openMirrored({ ...places, disk }, { mirrorOptions: { flushLimit: 0 } })
    await restoredFrom(second)
    await second.close()
    const alone = readerOf(disk)
    await alone.save({ step: 3, files: filesOf(3) })
    expect(await restoredFrom(openMirrored({ ...places, disk }))).toEqual([3, 'store', model(3)])
  })

  test('uses the mirror on the stale disk of a node that returns, and its next save is the latest', async () => {
    const places = newPlaces()
    const first = openMirrored(places)
    await saveMirrored(first, 1, 2)
    await first.close()
    const fresh = newPlaces().disk
    const second = openMirrored({ ...places, disk: fresh })
    await restoredFrom(second)
    await saveMirrored(second, 3, 4)
    await second.close()
    const returned = openMirrored(places, { mirrorOptions: { takeOver: true } })
    const choices = eventsOf(returned, 'restoringFrom')
    expect(await restoredFrom(returned)).toEqual([4, 'mirror', model(4)])
    expect(choices[0]?.why).toBe(
      'The mirror is ahead: another store continued the run. The latest checkpoint of the mirror is step 4.',
    )
    await saveMirrored(returned, 5)
    expect(await latestStep(readerOf(places.mirror))).toBe(5)
    expect(await latestStep(readerOf(places.disk))).toBe(5)
    expect(await restoredFrom(openMirrored(places))).toEqual([5, 'store', model(5)])
  })

  test('uses the store if the mirror cannot be reached, and reports that', async () => {
    const places = newPlaces()
    const first = openMirrored(places)
    await saveMirrored(first, 1)
    await first.close()
    const mirror = new FaultyBackend('mem:mirror')
    mirror.intercept = () => 'fail before'
    const store = openMirrored({ ...places, mirror }, { mirrorOptions: { flushLimit: 0 } })
    const choices = eventsOf(store, 'restoringFrom')
    expect(await restoredFrom(store)).toEqual([1, 'store', model(1)])
    expect(choices[0]?.why).toMatch(/could not be read.*failed/)
  })

  describe('with a mirror that never answers', () => {
    /** A mirror with step 1 that becomes silent. */
    class SilentMirror extends MemoryBackend {
      isSilent = false
      /** Whether its requests go on after their signal fires, as those of a file system that hangs. */
      ignoresSignals = false
      readonly asked = Promise.withResolvers<undefined>()
      readonly broken = Promise.withResolvers<undefined>()

      override async read(...parameters: Parameters<MemoryBackend['read']>) {
        const signal = parameters[1]?.signal
        if (this.isSilent)
          await new Promise((_, reject) => {
            this.asked.resolve(undefined)
            if (this.ignoresSignals) {
              this.broken.promise.catch(reject)
              return
            }
            signal?.addEventListener('abort', () => {
              reject(new HoldfastError('ABORTED', 'The read was stopped.'))
            })
          })
        return super.read(...parameters)
      }
    }

    /** Opens the store of a silent mirror. `pauses` are its pauses of a second or more, which end at once. */
    async function besideSilence(disk: 'kept' | 'lost') {
      const mirror = new SilentMirror('mem:mirror')
      const places = { ...newPlaces(), mirror }
      const first = openMirrored(places)
      await saveMirrored(first, 1)
      await first.close()
      mirror.isSilent = true
      const pauses: number[] = []
      const store = openMirrored(
        disk === 'kept' ? places : { ...newPlaces(), mirror },
        { mirrorOptions: { flushLimit: 0 } },
        {
          ...systemEnvironment,
          pause: async (milliseconds, signal) => {
            if (milliseconds < 1000) return systemEnvironment.pause(milliseconds, signal)
            pauses.push(milliseconds)
          },
        },
      )
      return { store, mirror, pauses, asked: mirror.asked.promise }
    }

    test.each<['latest' | number]>([['latest'], [1]])(
      'waits 10 seconds if the store has %s',
      async (choice) => {
        const { store, pauses } = await besideSilence('kept')
        const choices = eventsOf(store, 'restoringFrom')
        expect(await restoredFrom(store, {}, choice)).toEqual([1, 'store', model(1)])
        expect(pauses).toEqual([10_000])
        expect(choices).toMatchObject([
          {
            from: 'store',
            isMirrorRead: false,
            why: 'The mirror could not be read, so its checkpoints are not considered: It did not answer within 10 seconds.',
          },
        ])
      },
    )

    test('waits 10 seconds for a mirror whose requests cannot be stopped, and ignores how they end', async () => {
      const { store, mirror, pauses } = await besideSilence('kept')
      mirror.ignoresSignals = true
      expect(await restoredFrom(store)).toEqual([1, 'store', model(1)])
      expect(pauses).toEqual([10_000])
      mirror.broken.reject(new HoldfastError('UNAVAILABLE', 'The disk is gone.'))
      await setImmediate() // an unhandled rejection fails the run
    })

    test('waits until its caller stops it if the store has no checkpoint', async () => {
      const { store, pauses, asked } = await besideSilence('lost')
      const stop = new AbortController()
      const restoring = codeOf(restoredFrom(store, { signal: stop.signal }))
      await asked
      stop.abort()
      expect(await restoring).toBe('ABORTED')
      expect(pauses).toEqual([])
    })
  })

  describe('with a mirror that needs more than 10 seconds', () => {
    /** A mirror on which time passes before it answers. */
    class SlowMirror extends MemoryBackend {
      beforeRead = (): Promise<void> => Promise.resolve()
      beforeList = (): Promise<void> => Promise.resolve()

      override async read(...parameters: Parameters<MemoryBackend['read']>) {
        await this.beforeRead()
        return super.read(...parameters)
      }

      override async *list(...parameters: Parameters<MemoryBackend['list']>) {
        await this.beforeList()
        yield* super.list(...parameters)
      }
    }

    /** Opens a store with step 1, whose mirror got step 2 from another node. `passTime` ends its long pauses. */
    async function besideSlowness() {
      const mirror = new SlowMirror('mem:mirror')
      const places = { ...newPlaces(), mirror }
      const first = openMirrored(places)
      await saveMirrored(first, 1)
      await first.close()
      const other = openMirrored({ ...newPlaces(), mirror })
      await restoredFrom(other)
      await saveMirrored(other, 2)
      await other.close()
      const events = new StoreEventEmitter()
      const passed = Promise.withResolvers<undefined>()
      const pause = async (milliseconds: number, signal?: AbortSignal): Promise<void> => {
        if (milliseconds < 1000) return systemEnvironment.pause(milliseconds, signal)
        await orAborted(passed.promise, signal, 'The pause')
      }
      const store = openMirrored(
        places,
        { mirrorOptions: { flushLimit: 0 } },
        { ...systemEnvironment, pause },
        events,
      )
      const passTime = async (): Promise<void> => {
        passed.resolve(undefined)
        await setImmediate() // what the pauses delayed happens
      }
      const reportRetry = (error: HoldfastError): void => {
        events.emit('retry', { what: 'read holdfast.json', attempt: 1, attemptsLeft: 5, error })
      }
      return { store, mirror, passTime, reportRetry }
    }

    test('waits for it once it has answered a request', async () => {
      const { store, mirror, passTime } = await besideSlowness()
      mirror.beforeList = passTime
      expect(await restoredFrom(store)).toEqual([2, 'mirror', model(2)])
    })

    test('waits for it once it has asked for a retry', async () => {
      const { store, mirror, passTime, reportRetry } = await besideSlowness()
      mirror.beforeRead = async () => {
        const error = new HoldfastError('UNAVAILABLE', 'Slow down.', { url: 'mem:mirror' })
        reportRetry(overloaded(error, { retryAfter: 30_000 }))
        await passTime()
      }
      expect(await restoredFrom(store)).toEqual([2, 'mirror', model(2)])
    })

    test.each([
      ['the store asks for a retry', 'mem:disk', { retryAfter: 30_000 }],
      ['a connection to the mirror fails', 'mem:mirror', undefined],
    ])('does not wait for it if only %s', async (_, url, overload) => {
      const { store, mirror, passTime, reportRetry } = await besideSlowness()
      mirror.beforeRead = async () => {
        reportRetry(overloaded(new HoldfastError('UNAVAILABLE', 'It failed.', { url }), overload))
        await passTime()
      }
      expect(await restoredFrom(store)).toEqual([1, 'store', model(1)])
    })
  })

  describe('of a store that has nothing to restore', () => {
    /** An empty store whose mirror has step 1 and cannot be read. */
    async function beforeUnreadMirror(): Promise<CheckpointStore> {
      const mirror = new FaultyBackend('mem:mirror')
      const places = { ...newPlaces(), mirror }
      const first = openMirrored(places)
      await saveMirrored(first, 1)
      await first.close()
      mirror.intercept = () => 'fail before'
      return openMirrored({ ...places, disk: newPlaces().disk })
    }

    test.each<['latest' | 'best' | number]>([['latest'], ['best'], [1]])(
      'fails for %s with the error of a mirror that cannot be read',
      async (choice) => {
        const store = await beforeUnreadMirror()
        await expect(store.restore(choice, { to: await temporaryFolder() })).rejects.toMatchObject({
          code: 'UNAVAILABLE',
          url: 'mem:mirror',
          retryable: true,
          message: expect.stringMatching(/the mirror cannot be read.* failed/) as string,
        })
      },
    )

    test('fails with the error of a mirror that cannot be read if the only checkpoint is quarantined', async () => {
      const mirror = new FaultyBackend('mem:mirror')
      const places = { ...newPlaces(), mirror }
      const store = openMirrored(places)
      await saveMirrored(store, 1)
      await damage(places.disk, 1)
      expect(await restoredFrom(store, { fallback: true })).toEqual([1, 'mirror', model(1)])
      mirror.intercept = () => 'fail before'
      expect(await codeOf(restoredFrom(store, { fallback: true }))).toBe('UNAVAILABLE')
      mirror.intercept = () => 'pass'
      expect(await restoredFrom(store)).toEqual([1, 'mirror', model(1)])
    })

    test('rebuilds a lost catalog beside a mirror that cannot be read', async () => {
      const mirror = new FaultyBackend('mem:mirror')
      const places = { ...newPlaces(), mirror }
      const first = openMirrored(places)
      await saveMirrored(first, 1)
      await first.close()
      await places.disk.delete(await keysOf(places.disk, 'catalog/'))
      mirror.intercept = () => 'fail before'
      const store = openMirrored(places, { mirrorOptions: { flushLimit: 0 } })
      expect(await restoredFrom(store, { fallback: true })).toEqual([1, 'store', model(1)])
    })
  })

  test('delivers a checkpoint from the mirror that is corrupt in the store, also without fallback', async () => {
    const places = newPlaces()
    const store = openMirrored(places)
    await saveMirrored(store, 1, 2)
    await damage(places.disk, 2)
    const choices = eventsOf(store, 'restoringFrom')
    expect(await restoredFrom(store)).toEqual([2, 'mirror', model(2)])
    expect(choices).toMatchObject([
      { from: 'store' },
      {
        from: 'mirror',
        url: 'mem:mirror',
        why: expect.stringMatching(/^Step 2 is corrupt in the store: .*[^.]\.$/) as string,
        isMirrorRead: true,
      },
    ])
    expect(await restoredFrom(store, { fallback: true })).toEqual([2, 'mirror', model(2)])
    expect((await store.quarantined()).map(({ step }) => step)).toEqual([2])
    expect(await restoredFrom(store)).toEqual([2, 'mirror', model(2)])
  })

  test('falls back to the best of both if both have corrupt checkpoints', async () => {
    const places = newPlaces()
    const store = openMirrored(places)
    await saveMirrored(store, 1, 2, 3)
    await damage(places.disk, 3)
    await damage(places.mirror, 3)
    await damage(places.disk, 2)
    expect(await codeOf(restoredFrom(store))).toBe('CORRUPT')
    expect(await restoredFrom(store, { fallback: true })).toEqual([2, 'mirror', model(2)])
  })

  test('uses the mirror if all checkpoints of the store are corrupt', async () => {
    const places = newPlaces()
    const store = openMirrored(places)
    await saveMirrored(store, 1)
    await saveAll(store, 2)
    await store.mirror?.flush()
    await damage(places.disk, 1)
    await damage(places.disk, 2)
    await damage(places.mirror, 2)
    expect(await restoredFrom(store, { fallback: true })).toEqual([1, 'mirror', model(1)])
  })

  test('uses the mirror if the catalog of the store is damaged, and the store continues', async () => {
    const places = newPlaces()
    const first = openMirrored(places)
    await saveMirrored(first, 1, 2)
    await first.close()
    await tamper(places.disk, (await keysOf(places.disk, 'catalog/')).at(-1) ?? '', flipBit)
    const store = openMirrored(places)
    expect(await restoredFrom(store)).toEqual([2, 'mirror', model(2)])
    await saveMirrored(store, 3)
    expect(await latestStep(readerOf(places.mirror))).toBe(3)
  })

  describe('of a store that is ahead of its mirror', () => {
    /** A store with steps 1 to 5 whose mirror has 1 and 2. */
    async function placesWithStoreAhead(): Promise<Places> {
      const places = newPlaces()
      const first = openMirrored(places)
      await saveMirrored(first, 1, 2)
      await first.close()
      const mirror = new FaultyBackend('mem:mirror')
      mirror.intercept = () => 'fail before'
      const alone = openMirrored({ ...places, mirror }, { mirrorOptions: { flushLimit: 0 } })
      await saveAll(alone, 3, 4, 5)
      await alone.close()
      return places
    }

    test.each<[string, (disk: MemoryBackend) => Promise<unknown>, readonly number[]]>([
      ['its newest catalog is damaged', damageCatalog, [4, 5]],
      ['its marker is lost', (disk) => disk.delete(['holdfast.json']), [5]],
      ['its marker is damaged', (disk) => tamper(disk, 'holdfast.json', flipBit), [5]],
      [
        'its marker is lost, and its newest catalog is damaged',
        async (disk) => {
          await disk.delete(['holdfast.json'])
          await damageCatalog(disk)
        },
        [4, 5],
      ],
    ])('uses the store although %s, and the mirror gets what it lacks', async (_, hurt, expected) => {
      const places = await placesWithStoreAhead()
      await hurt(places.disk)
      const store = openMirrored(places)
      const choices = eventsOf(store, 'restoringFrom')
      const restored = await restoredFrom(store, { fallback: true })
      expect(restored?.[1]).toBe('store')
      expect(expected).toContain(restored?.[0])
      expect(choices.map(({ from }) => from)).toEqual(['store'])
      expect(choices[0]?.why).not.toContain('no checkpoints')
      await saveMirrored(store, 6)
      expect(await stepsOf(readerOf(places.mirror))).toEqual([1, 2, 3, 4, 5, 6])
      expect(await restoredFrom(openMirrored(places))).toEqual([6, 'store', model(6)])
    })

    test('never goes back to the mirror without fallback', async () => {
      const places = await placesWithStoreAhead()
      await damageCatalog(places.disk)
      const store = openMirrored(places)
      expect(await codeOf(restoredFrom(store))).toBe('CORRUPT')
      expect(await restoredFrom(store, {}, 2)).toEqual([2, 'mirror', model(2)])
    })
  })

  test.each<[string, (disk: MemoryBackend) => Promise<unknown>]>([
    ['its newest catalog is damaged', damageCatalog],
    ['its marker is lost', (disk) => disk.delete(['holdfast.json'])],
  ])('uses the mirror on a disk that is behind if %s', async (_, hurt) => {
    const places = newPlaces()
    const first = openMirrored(places)
    await saveMirrored(first, 1)
    await first.close()
    const second = openMirrored({ ...places, disk: newPlaces().disk })
    await restoredFrom(second)
    await saveMirrored(second, 2, 3)
    await second.close()
    await hurt(places.disk)
    const returned = openMirrored(places)
    expect(await restoredFrom(returned, { fallback: true })).toEqual([3, 'mirror', model(3)])
  })

  test('gives a clone of a disk an id of its own', async () => {
    const places = newPlaces()
    const first = openMirrored(places)
    await saveMirrored(first, 1, 2)
    const disk = await cloneOf(places.disk)
    await saveMirrored(first, 3)
    await first.close()
    const clone = openMirrored({ ...places, disk })
    expect(await restoredFrom(clone)).toEqual([3, 'mirror', model(3)])
    expect(await idOf(disk)).not.toBe(await idOf(places.disk))
    await saveMirrored(clone, 4)
    expect(await latestStep(readerOf(places.mirror))).toBe(4)
    expect(await restoredFrom(clone)).toEqual([4, 'store', model(4)])
  })

  test('recognises a clone that has saved as many versions as the original', async () => {
    const places = newPlaces()
    const first = openMirrored(places)
    await saveMirrored(first, 1)
    const disk = await cloneOf(places.disk)
    await saveMirrored(first, 2)
    await first.close()
    const alone = storeOn(disk, { mode: 'shared', takeOver: true })
    for (const step of [11, 12, 13, 14, 15, 16]) await alone.save({ step, files: filesOf(step) })
    const clone = openMirrored({ ...places, disk })
    expect(await restoredFrom(clone)).toEqual([2, 'mirror', model(2)])
    await saveMirrored(clone, 3)
    expect(await latestStep(readerOf(places.mirror))).toBe(3)
  })

  test('uses the mirror after a disk was rolled back', async () => {
    const places = newPlaces()
    const first = openMirrored(places)
    await saveMirrored(first, 1)
    const disk = await cloneOf(places.disk, 'mem:disk')
    await saveMirrored(first, 2, 3)
    await first.close()
    const store = openMirrored({ ...places, disk })
    expect(await restoredFrom(store)).toEqual([3, 'mirror', model(3)])
    await saveMirrored(store, 4)
    expect(await latestStep(readerOf(places.mirror))).toBe(4)
  })

  test('looks in the mirror for a step that the store has dropped', async () => {
    const places = newPlaces()
    const store = openMirrored(places, {
      retention: { keepLast: 1 },
      mirrorOptions: { retention: { keepLast: 5 } },
    })
    for (const step of [1, 2, 3]) await saveMirrored(store, step)
    expect(await stepsOf(store)).toEqual([3])
    expect(await restoredFrom(store, {}, 1)).toEqual([1, 'mirror', model(1)])
    expect(await codeOf(restoredFrom(store, {}, 9))).toBe('NOT_FOUND')
  })
})

describe('the owner of a mirror', () => {
  test('is the store, so that a later process of it continues', async () => {
    const places = newPlaces()
    const first = openMirrored(places)
    await saveMirrored(first, 1)
    const second = openMirrored(places)
    await saveMirrored(second, 2)
    expect(await stepsOf(readerOf(places.mirror))).toEqual([1, 2])
    expect((await second.mirror?.status())?.state).toBe('idle')
  })

  test('is never a zombie again: its saves succeed, and it reports that it is fenced', async () => {
    const places = newPlaces()
    const zombie = openMirrored(places)
    await saveMirrored(zombie, 1)
    const { disk } = newPlaces()
    const live = openMirrored({ ...places, disk })
    await restoredFrom(live)
    await saveMirrored(live, 2)
    const failures = eventsOf(zombie, 'mirrorFailed')
    await saveAll(zombie, 100, 101)
    expect(await zombie.mirror?.flush()).toMatchObject({ state: 'fenced', error: { code: 'FENCED' } })
    expect(failures.map(({ retryIn }) => retryIn)).toEqual([undefined])
    await saveMirrored(live, 3)
    expect(await stepsOf(readerOf(places.mirror))).toEqual([1, 2, 3])
  })

  test('is not the stale node that restarts while another one runs', async () => {
    const places = newPlaces()
    const first = openMirrored(places)
    await saveMirrored(first, 1)
    await first.close()
    const { disk } = newPlaces()
    const live = openMirrored({ ...places, disk })
    await restoredFrom(live)
    await saveMirrored(live, 2)
    const stale = openMirrored(places)
    await restoredFrom(stale)
    await saveAll(stale, 50)
    expect(await stale.mirror?.flush()).toMatchObject({ state: 'fenced' })
    await saveMirrored(live, 3)
    expect(await latestStep(readerOf(places.mirror))).toBe(3)
  })

  test('is not a store that did not continue from what the mirror has', async () => {
    const places = newPlaces()
    const first = openMirrored(places)
    await saveMirrored(first, 1)
    await first.close()
    const { disk } = newPlaces()
    const other = openMirrored({ ...places, disk })
    await saveAll(other, 7)
    expect(await other.mirror?.flush()).toMatchObject({ state: 'fenced' })
    expect(await stepsOf(readerOf(places.mirror))).toEqual([1])
  })

  test('is a store whose process ended after it recorded the takeover, and before it took over', async () => {
    const places = { ...newPlaces(), mirror: new FaultyBackend('mem:mirror') }
    const first = openMirrored(places)
    await saveMirrored(first, 1)
    await first.close()
    const fresh = { ...places, disk: newPlaces().disk }
    const ending = openMirrored(fresh, { mirrorOptions: { flushLimit: 0 } })
    await restoredFrom(ending)
    places.mirror.intercept = (method) => (method === 'commit' ? 'fail before' : 'pass')
    await saveAll(ending, 2)
    await ending.mirror?.flush({ limit: 60_000 })
    await ending.close()
    places.mirror.intercept = () => 'pass'
    expect(await stepsOf(readerOf(places.mirror))).toEqual([1])
    await saveMirrored(openMirrored(fresh), 3)
    expect(await stepsOf(readerOf(places.mirror))).toEqual([1, 2, 3])
  })

  test('is the store of a user who says so', async () => {
    const places = newPlaces()
    const first = openMirrored(places)
    await saveMirrored(first, 1)
    const { disk } = newPlaces()
    const other = openMirrored({ ...places, disk }, { mirrorOptions: { takeOver: true } })
    await saveMirrored(other, 7)
    expect(await stepsOf(readerOf(places.mirror))).toEqual([1, 7])
    await saveAll(first, 2)
    expect(await first.mirror?.flush()).toMatchObject({ state: 'fenced' })
  })

  test('is no store whose saves a restore from the mirror would not bring back, until it restores from there', async () => {
    const places = newPlaces()
    await saveMirrored(openMirrored(places), 1)
    const stale = { ...places, disk: await cloneOf(places.disk) }
    const { disk } = newPlaces()
    const live = openMirrored({ ...places, disk })
    await restoredFrom(live)
    await saveMirrored(live, 2)
    const told = { mirrorOptions: { takeOver: true } }
    for (const step of [3, 4]) {
      const store = openMirrored(stale, told)
      await saveAll(store, step)
      expect(await store.mirror?.flush()).toMatchObject({
        state: 'fenced',
        error: {
          message: expect.stringContaining('Restore from the mirror first') as string,
          hint: undefined,
        },
      })
      await store.close()
      expect(await stepsOf(readerOf(places.mirror))).toEqual([1, 2])
    }
    const restored = openMirrored(stale, told)
    expect(await restoredFrom(restored)).toEqual([2, 'mirror', model(2)])
    await saveMirrored(restored, 5)
    expect(await stepsOf(readerOf(places.mirror))).toEqual([1, 2, 3, 4, 5])
    expect(await restoredFrom(openMirrored(stale))).toEqual([5, 'store', model(5)])
    expect(await restoredFrom(openMirrored({ ...places, disk: newPlaces().disk }))).toEqual([
      5,
      'mirror',
      model(5),
    ])
    await saveAll(live, 6)
    expect(await live.mirror?.flush()).toMatchObject({ state: 'fenced' })
  })

  test('is not taken back by a process that had it, though its user allowed to take it over', async () => {
    const places = newPlaces()
    const told = { mode: 'shared', mirrorOptions: { takeOver: true } } as const
    await saveMirrored(openMirrored(places, { mode: 'shared' }), 1)
    const first = openMirrored(places, told)
    await saveMirrored(first, 2)
    const second = openMirrored({ ...places, disk: newPlaces().disk }, told)
    await second.mirror?.bringBack()
    await second.mirror?.flush()
    await saveAll(first, 3)
    expect(await first.mirror?.flush()).toMatchObject({ state: 'fenced' })
  })

  test('does not send its backlog over the latest checkpoint of the node that replaced it', async () => {
    const places = newPlaces()
    const mirror = new FaultyBackend('mem:mirror')
    const cut = openMirrored({ ...places, mirror }, { mirrorOptions: { flushLimit: 0 } })
    await saveAll(cut, 1)
    await cut.mirror?.flush({ limit: 60_000 })
    mirror.intercept = () => 'fail before'
    await saveAll(cut, 2, 3, 4)
    await cut.close()
    mirror.intercept = () => 'pass'
    const { disk } = newPlaces()
    const live = openMirrored({ disk, mirror })
    await restoredFrom(live)
    await saveMirrored(live, 2)
    const returned = openMirrored({ ...places, mirror }, { mirrorOptions: { takeOver: true, flushLimit: 0 } })
    await returned.mirror?.flush({ limit: 60_000 })
    expect(await latestStep(readerOf(mirror))).toBe(2)
  })
})

describe('a restore from the mirror beside the folder of the store', () => {
  /** Opens a store whose objects are said to be in the folder `ckpt` of `to`, and whose mirror has step 1. */
  async function onLocalDisk(): Promise<{ readonly store: CheckpointStore; readonly to: string }> {
    const places = newPlaces()
    const first = openMirrored(places)
    await saveMirrored(first, 1)
    await first.close()
    const to = await temporaryFolder()
    await writeTree(to, { 'ckpt/holdfast.json': 'marker' })
    const { disk } = newPlaces()
    Object.assign(disk, { capabilities: { ...disk.capabilities, localRoot: join(to, 'ckpt') } })
    return { store: openMirrored({ ...places, disk }), to }
  }

  test('does not remove the store', async () => {
    const { store, to } = await onLocalDisk()
    expect(await codeOf(store.restore('latest', { to, exact: true }))).toBe('INVALID_ARGUMENT')
    expect(await readTree(to)).toEqual({ 'ckpt/holdfast.json': 'marker' })
  })

  test('does not write into the store', async () => {
    const { store, to } = await onLocalDisk()
    expect(await codeOf(store.restore('latest', { to: join(to, 'ckpt') }))).toBe('INVALID_ARGUMENT')
    expect(await readTree(to)).toEqual({ 'ckpt/holdfast.json': 'marker' })
  })

  test('does not count the files of the store as other files', async () => {
    const { store, to } = await onLocalDisk()
    const restored = await store.restore('latest', { to })
    expect(restored).toMatchObject({
      step: 1,
      source: { from: 'mirror' },
      otherFiles: { count: 0, removable: false },
    })
  })
})

test('a restore from the store does not write into a mirror on this machine', async () => {
  const places = newPlaces()
  const path = await temporaryFolder()
  Object.assign(places.mirror, { capabilities: { ...places.mirror.capabilities, localRoot: path } })
  const store = openMirrored(places)
  await saveMirrored(store, 1)
  expect(await codeOf(store.restore('latest', { to: join(path, 'out') }))).toBe('INVALID_ARGUMENT')
  expect(await readTree(path)).toEqual({})
})
