import { describe, expect, test } from 'vitest'
import {
  copyCheckpoints,
  type Duration,
  MemoryBackend,
  openStore,
  type StoreOptions,
} from '../../src/index.ts'
import {
  durationOf,
  type ObjectStoreOptions,
  objectStoreOptions,
  readAdapterOptions,
  requestLimitsOf,
} from '../../src/backend.ts'
import { retryCorruptAfterOf } from '../../src/store/copy/options.ts'
import { flushLimitOf } from '../../src/store/mirror/options.ts'
import { gracePeriodOf } from '../../src/store/options.ts'
import { timeoutsOf } from '../../src/store/ranks/options.ts'
import { storeOn } from '../stores.ts'

const minute = 60_000

test('reads an option as milliseconds, whether it is a number or has a unit', () => {
  const durations: readonly Duration[] = ['90 s', '1.5min', 90_000]
  expect(durations.map((each) => durationOf('limit', each))).toEqual([90_000, 90_000, 90_000])
  expect(durationOf('limit', Infinity, { most: Infinity })).toBe(Infinity)
})

test.each<[unknown, Parameters<typeof durationOf>[2], string]>([
  ['2 m', {}, 'limit: "2 m" is not a duration. Write milliseconds, or a string such as'],
  [-1, {}, 'limit: -1 is not a duration.'],
  [Number.NaN, { most: Infinity }, 'limit: NaN is not a duration.'],
  [Infinity, {}, 'limit: Infinity is not a duration.'],
  [5n, {}, 'limit: 5n is not a duration.'],
  ['0 s', { above: 0 }, 'limit must be more than 0 ms, not "0 s".'],
  ['2 d', { most: 1000 }, 'limit must be at most 1000 ms, not "2 d".'],
])('refuses %s as a duration, and names the option', (value, range, message) => {
  expect(() => durationOf('limit', value as number, range)).toThrow(
    expect.objectContaining({
      code: 'INVALID_ARGUMENT',
      message: expect.stringContaining(message) as string,
    }),
  )
})

test('keeps the meaning of numbers and the defaults of all limits of a store', () => {
  expect([{}, { gracePeriod: 5 }, { gracePeriod: '2 d' } as const].map(gracePeriodOf)).toEqual([
    86_400_000, 5, 172_800_000,
  ])
  const store = 'mem:'
  expect(
    [{ store }, { store, flushLimit: 5 }, { store, flushLimit: '1 h' } as const].map(flushLimitOf),
  ).toEqual([5 * minute, 5, 60 * minute])
  expect(timeoutsOf({})).toEqual({ join: 10 * minute, verify: 30 * minute, save: 30 * minute })
  expect(timeoutsOf({ joinTimeout: '1 h', saveTimeout: 5 })).toEqual({
    join: 60 * minute,
    verify: 60 * minute,
    save: 5,
  })
  expect([{}, { retryCorruptAfter: '5 min' } as const].map((each) => retryCorruptAfterOf(each))).toEqual([
    0,
    5 * minute,
  ])
})

test.each<[StoreOptions, string]>([
  [{ gracePeriod: '2 m' as '2 min' }, 'gracePeriod: "2 m" is not a duration.'],
  [{ mirror: { store: 'mem:', flushLimit: -1 } }, 'mirror.flushLimit: -1 is not a duration.'],
  [{ ranks: { rank: 0, size: 1, joinTimeout: 0 } }, 'ranks.joinTimeout must be more than 0 ms, not 0.'],
  [{ ranks: { rank: 0, size: 1, saveTimeout: '1 m' as '1 min' } }, 'ranks.saveTimeout: "1 m" is not'],
])('refuses a store with an invalid duration', (options, message) => {
  expect(() => storeOn(new MemoryBackend(), options)).toThrow(message)
})

test('limits the wait of a flush by a duration with a unit', async () => {
  await using store = await openStore('mem:', { config: false, mirror: { store: 'mem:' } })
  await expect(store.mirror?.flush({ limit: '1 m' as '1 min' })).rejects.toMatchObject({
    code: 'INVALID_ARGUMENT',
    url: 'mem:',
  })
  expect(await store.mirror?.flush({ limit: '1 min' })).toMatchObject({ waiting: [] })
})

test('names the destination in the error of a copy with an invalid duration', async () => {
  const [from, to] = [storeOn(new MemoryBackend('mem:from')), storeOn(new MemoryBackend('mem:to'))]
  await expect(copyCheckpoints(from, to, { retryCorruptAfter: -1 })).rejects.toMatchObject({
    code: 'INVALID_ARGUMENT',
    url: 'mem:to',
  })
})

describe('the limits of requests', () => {
  test('are numbers of bytes and milliseconds, whatever form the options have', () => {
    const options: ObjectStoreOptions = {
      retry: { attempts: 3, minDelay: '1 s', maxDelay: 5000 },
      minimumProgress: { bytes: '64 KiB', within: '2 min' },
    }
    const limits = {
      retry: { attempts: 3, minDelay: 1000, maxDelay: 5000 },
      progress: { bytes: 65_536, within: 2 * minute },
    }
    expect(requestLimitsOf(options)).toEqual(limits)
    const { retry, minimumProgress } = readAdapterOptions(
      new URL('s3://bucket'),
      { ...options },
      objectStoreOptions,
    )
    expect({ retry, progress: minimumProgress }).toEqual(limits)
    expect(requestLimitsOf({ retry, minimumProgress })).toEqual(limits)
  })

  test('have a default for each member of `retry` that fits the others, and are not set without options', () => {
    expect(requestLimitsOf({ retry: { attempts: 2 } }).retry).toEqual({
      attempts: 2,
      minDelay: 100,
      maxDelay: 10_000,
    })
    expect(requestLimitsOf({ retry: { minDelay: '30 s' } }).retry).toMatchObject({
      minDelay: 30_000,
      maxDelay: 30_000,
    })
    expect(requestLimitsOf({ retry: { maxDelay: 50 } }).retry).toMatchObject({ minDelay: 50, maxDelay: 50 })
    expect(requestLimitsOf({})).toEqual({ retry: undefined, progress: undefined })
  })

  test.each<[ObjectStoreOptions, string]>([
    [{ retry: { minDelay: '2 m' as '2 min' } }, 'retry must be { attempts, minDelay, maxDelay }'],
    [
      { retry: { minDelay: '1 min', maxDelay: '1 s' } },
      'retry must be { attempts, minDelay, maxDelay }, with at least one attempt, a minDelay that is not longer than maxDelay',
    ],
    [{ retry: { maxDelay: Infinity } }, 'retry must be'],
    [{ retry: { attempts: 0.5 } }, 'retry must be'],
    [{ minimumProgress: { bytes: 0, within: '1 s' } }, 'minimumProgress must be { bytes, within }'],
    [{ minimumProgress: { bytes: '5 parsecs' as '5 B', within: 1 } }, 'minimumProgress must be'],
    [{ minimumProgress: { bytes: 1.5, within: 1 } }, 'minimumProgress must be'],
    [{ minimumProgress: { bytes: 1, within: 0 } }, 'minimumProgress must be'],
  ])('refuse %j', (options, message) => {
    const refusal = expect.objectContaining({
      code: 'CONFIG',
      message: expect.stringContaining(message) as string,
    }) as Error
    expect(() => requestLimitsOf(options)).toThrow(refusal)
    expect(() => readAdapterOptions(new URL('s3://bucket'), { ...options }, objectStoreOptions)).toThrow(
      refusal,
    )
  })
})
