import { describe, expect, test } from 'vitest'
import { paceOf, parseRate } from '../../src/pacing/index.ts'
import { admit, giveBack, type TokenBucket } from '../../src/pacing/token-bucket.ts'
import { codeOf } from '../stores.ts'

/** Sends pieces one after the other. Each takes `work` milliseconds beside its wait. Returns the duration in milliseconds. */
function durationOf(pieces: readonly number[], rate: number, work = 0, bucket?: TokenBucket): number {
  let now = 0
  let state = bucket
  for (const bytes of pieces) {
    const admission = admit(state, bytes, now, rate)
    state = admission.bucket
    now += admission.wait + work
  }
  return now
}

const pieces = (count: number, bytes: number): readonly number[] => Array.from({ length: count }, () => bytes)

describe('a limit of a rate', () => {
  test.each([
    ['small pieces', pieces(3000, 1000)],
    ['large pieces', pieces(3, 1_000_000)],
    ['pieces of many sizes', [1, 999_999, 500_000, ...pieces(150, 10_000)]],
  ])('lets %s pass at exactly the rate', (_, sizes) => {
    expect(durationOf(sizes, 1e6)).toBeCloseTo(3000, 3)
  })

  test('lets no bytes pass before their time, so that a single piece keeps the rate, too', () => {
    expect(admit(undefined, 2_000_000, 7, 1e6)).toEqual({ wait: 2000, bucket: 2007 })
  })

  test('makes up for the time of other work, if that is less than what the rate allows', () => {
    expect(durationOf(pieces(30, 100_000), 1e6, 40)).toBeCloseTo(3040, 3)
  })

  test('does not slow down a transfer that is slower by itself', () => {
    expect(durationOf(pieces(30, 100_000), 1e6, 200)).toBeCloseTo(6000 + 100, 3)
  })

  test('saves up at most a tenth of a second in a pause', () => {
    const bucket: TokenBucket = -60_000
    expect(durationOf(pieces(30, 100_000), 1e6, 0, bucket)).toBeCloseTo(2900, 3)
  })

  test('gives the time of bytes that are not sent to others', () => {
    const { bucket } = admit(undefined, 500_000, 0, 1e6)
    expect(admit(giveBack(bucket, 500_000, 1e6), 100_000, 0, 1e6).wait).toBe(100)
  })
})

describe('transfers that share a limit', () => {
  /** A clock that stands still, and pauses that the test ends. */
  function clock() {
    const pauses: { readonly milliseconds: number; readonly fail: (error: Error) => void }[] = []
    const pause = (milliseconds: number): Promise<void> =>
      new Promise((_, reject) => pauses.push({ milliseconds, fail: reject }))
    return { pauses, clock: { elapsed: () => 0, pause } }
  }

  test('wait one after the other', () => {
    const { pauses, clock: stopped } = clock()
    const pace = paceOf(1e6, stopped)
    for (let transfer = 0; transfer < 4; transfer += 1) void pace(250_000)
    expect(pauses.map(({ milliseconds }) => milliseconds)).toEqual([250, 500, 750, 1000])
  })

  test('do not pause for less than a millisecond, and do not forget it', async () => {
    const { pauses, clock: stopped } = clock()
    const pace = paceOf(1e6, stopped)
    await pace(600)
    void pace(600)
    expect(pauses.map(({ milliseconds }) => milliseconds)).toEqual([1.2])
  })

  test('do not wait for one that ended', async () => {
    const { pauses, clock: stopped } = clock()
    const pace = paceOf(1e6, stopped)
    const ended = pace(1_000_000)
    pauses[0]?.fail(new Error('ended'))
    await expect(ended).rejects.toThrow('ended')
    void pace(250_000)
    expect(pauses.at(-1)?.milliseconds).toBe(250)
  })
})

describe('a rate', () => {
  test.each([
    ['200MB/s', 200e6],
    ['200 MB/s', 200e6],
    ['1.5 GiB / s', 1.5 * 2 ** 30],
    ['100KB/S', 1e5],
    [250_000, 250_000],
  ])('%j is read as bytes per second', (rate, bytes) => {
    expect(parseRate(rate, 'limitUpload')).toBe(bytes)
  })

  test.each(['200 MB', '200', '/s', '-1 MB/s', '1..2 MB/s', '5 XB/s', NaN, Infinity, -1, '99 KB/s', 0])(
    '%j is refused',
    async (rate) => {
      expect(await codeOf((async () => parseRate(rate, 'limitUpload'))())).toBe('INVALID_ARGUMENT')
    },
  )
})
