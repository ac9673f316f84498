/** The state of a limit that several transfers share. `undefined` before the first bytes. */
export type TokenBucket = Passed | undefined

/** Times in milliseconds at which all bytes that were admitted have passed. */
interface Passed {
  /** At the rate of the limit. It lies in the past while the transfer lags behind its rate. */
  readonly atRate: number
  /** At the highest rate at which a transfer catches up. */
  readonly atMost: number
}

/** A transfer that lags behind its rate catches up with at most this multiple of the rate. */
const fastest = 1.5

/** Milliseconds by which a transfer may lag behind its rate and still catch up. It does not catch up on more. */
const longestLag = 10_000

/**
 * Milliseconds that a transfer may catch up on at any rate, so that short work between its bytes does not lower the rate. It is
 * also what a pause between transfers saves up. It is short, so that a transfer of a few seconds after a pause stays near the rate.
 */
const catchUp = 100

/** What a transfer does with bytes that it wants to send. */
export interface Admission {
  /** Milliseconds to wait before the bytes are sent. */
  readonly wait: number
  readonly bucket: Passed
}

/**
 * Decides when bytes may be sent: once they and all bytes before them have passed at the rate. A delay of the transfer does not
 * lower its rate, because the bytes after the delay wait less, until they have caught up. `rate` is in bytes per second, and `now`
 * in milliseconds.
 */
export function admit(bucket: TokenBucket, bytes: number, now: number, rate: number): Admission {
  const { atRate, atMost } = bucket ?? { atRate: now, atMost: now }
  const passed = {
    atRate: Math.max(atRate, now - longestLag) + durationOf(bytes, rate),
    atMost: Math.max(atMost, now - catchUp) + durationOf(bytes, rate * fastest),
  }
  return { wait: Math.max(0, passed.atRate - now, passed.atMost - now), bucket: passed }
}

/** Returns the bucket without bytes that were admitted and are not sent. */
export function giveBack({ atRate, atMost }: Passed, bytes: number, rate: number): Passed {
  return { atRate: atRate - durationOf(bytes, rate), atMost: atMost - durationOf(bytes, rate * fastest) }
}

/** Returns the bucket after a time without transfers, on which the next transfer does not catch up. */
export function afterPause(bucket: TokenBucket, now: number): TokenBucket {
  return bucket && { ...bucket, atRate: Math.max(bucket.atRate, now - catchUp) }
}

function durationOf(bytes: number, rate: number): number {
  return (bytes / rate) * 1000
}
