import { describe, expect, test } from 'vitest'
import { limitOf, parseRate } from '../../src/pacing/index.ts'
import { admit, afterPause, giveBack, type TokenBucket } from '../../src/pacing/token-bucket.ts'
import { codeOf } from '../stores.ts'

/** Milliseconds that each piece takes beside its wait, by its index. */
type WorkOf = (index: number) => number

/** Sends pieces one after the other. Returns the times in milliseconds at which they were sent, and at which all ended. */
function timesOf(
  pieces: readonly number[],
  rate: number,
  workOf: WorkOf,
  bucket?: TokenBucket,
): { readonly sent: readonly number[]; readonly end: number } {
  let now = 0
  let state = bucket
  const sent = pieces.map((bytes, index) => {
    const admission = admit(state, bytes, now, rate)
    state = admission.bucket
    const time = now + admission.wait
    now = time + workOf(index)
    return time
  })
  return { sent, end: now }
}

/** Returns how long pieces take if each takes `work` milliseconds beside its wait. */
function durationOf(pieces: readonly number[], rate: number, work = 0, bucket?: TokenBucket): number {
  return timesOf(pieces, rate, () => work, bucket).end
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
    expect(admit(undefined, 2_000_000, 7, 1e6).wait).toBe(2000)
  })

  test('makes up for the time of other work, if that is less than what the rate allows', () => {
    expect(durationOf(pieces(30, 100_000), 1e6, 40)).toBeCloseTo(3040, 3)
  })

  test('does not slow down a transfer that is slower by itself', () => {
    expect(durationOf(pieces(30, 100_000), 1e6, 200)).toBeCloseTo(6000 + 100, 3)
  })

  test('keeps the rate over a transfer that is delayed again and again', () => {
    // Half a second of every two seconds is lost.
    const stalling: WorkOf = (index) => (index % 20 === 0 ? 500 : 0)
    expect(timesOf(pieces(200, 100_000), 1e6, stalling).end).toBeCloseTo(20_000, 3)
  })

  test('catches up at no more than 1.5 times the rate, apart from a tenth of a second', () => {
    const { sent } = timesOf(pieces(200, 100_000), 1e6, (index) => (index === 0 ? 5000 : 0))
    const resumed = sent[1] ?? NaN
    expect(resumed).toBe(5100)
    for (const [index, time] of sent.slice(2).entries()) {
      const bytes = (index + 1) * 100_000
      expect(bytes).toBeLessThanOrEqual(((time - resumed + 100) / 1000) * 1.5e6)
    }
    // It has caught up after 10 s, and keeps the rate from then on.
    expect(sent.at(-1)).toBeCloseTo(20_000, 3)
  })

  test('catches up on at most ten seconds', () => {
    const { end } = timesOf(pieces(1000, 100_000), 1e6, (index) => (index === 0 ? 60_000 : 0))
    expect(end).toBeCloseTo(60_100 - 10_000 + 99_900, 3)
  })

  test('saves up at most a tenth of a second in a pause', () => {
    const { bucket } = admit(undefined, 0, -60_000, 1e6)
    expect(durationOf(pieces(30, 100_000), 1e6, 0, afterPause(bucket, 0))).toBeCloseTo(2900, 3)
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

  /** A clock that moves by its pauses, which it lists, and by `pass`. */
  function movingClock() {
    let now = 0
    const pauses: number[] = []
    const pass = (milliseconds: number): void => {
      now += milliseconds
    }
    const pause = async (milliseconds: number): Promise<void> => {
      pauses.push(milliseconds)
      pass(milliseconds)
    }
    return { pauses, pass, clock: { elapsed: () => now, pause } }
  }

  test('wait one after the other', () => {
    const { pauses, clock: stopped } = clock()
    const limit = limitOf(1e6, stopped)
    for (let transfer = 0; transfer < 4; transfer += 1) void limit.begin().pace(250_000)
    expect(pauses.map(({ milliseconds }) => milliseconds)).toEqual([250, 500, 750, 1000])
  })

  test('do not pause for less than a millisecond, and do not forget it', async () => {
    const { pauses, clock: stopped } = clock()
    const { pace } = limitOf(1e6, stopped).begin()
    await pace(600)
    void pace(600)
    expect(pauses.map(({ milliseconds }) => milliseconds)).toEqual([1.2])
  })

  test('do not wait for one that ended', async () => {
    const { pauses, clock: stopped } = clock()
    const { pace } = limitOf(1e6, stopped).begin()
    const ended = pace(1_000_000)
    pauses[0]?.fail(new Error('ended'))
    await expect(ended).rejects.toThrow('ended')
    void pace(250_000)
    expect(pauses.at(-1)?.milliseconds).toBe(250)
  })

  test('catch up on a delay while one of them runs', async () => {
    const { pauses, pass, clock: moving } = movingClock()
    const limit = limitOf(1e6, moving)
    using long = limit.begin()
    await long.pace(100_000)
    pass(1000)
    {
      using short = limit.begin()
      await short.pace(600_000)
    }
    await long.pace(400_000)
    // The limit would allow all bytes by now, so they wait only for 1.5 times the rate.
    expect(pauses.map(Math.round)).toEqual([100, 300, 267])
  })

  test('do not catch up on the time between them', async () => {
    const { pauses, pass, clock: moving } = movingClock()
    const limit = limitOf(1e6, moving)
    for (let transfer = 0; transfer < 2; transfer += 1) {
      using each = limit.begin()
      await each.pace(600_000)
      each[Symbol.dispose]() // once more changes nothing
      pass(60_000)
    }
    expect(pauses).toEqual([600, 500])
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
