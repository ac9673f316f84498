/**
 * The state of a limit that several transfers share: the time in milliseconds at which all bytes that were admitted have
 * passed at the rate of the limit. `undefined` before the first bytes.
 */
export type TokenBucket = number | undefined

/**
 * Milliseconds that a transfer may catch up on, so that the time of its other work does not lower the rate. It is short, so that
 * a transfer of a few seconds after a pause stays near the rate.
 */
const catchUp = 100

/** What a transfer does with bytes that it wants to send. */
export interface Admission {
  /** Milliseconds to wait before the bytes are sent. */
  readonly wait: number
  readonly bucket: number
}

/**
 * Decides when bytes may be sent: once they and all bytes before them have passed at the rate. `rate` is in bytes per second, and
 * `now` in milliseconds.
 */
export function admit(bucket: TokenBucket, bytes: number, now: number, rate: number): Admission {
  const begin = bucket === undefined ? now : Math.max(bucket, now - catchUp)
  const passed = begin + durationOf(bytes, rate)
  return { wait: Math.max(0, passed - now), bucket: passed }
}

/** Returns the bucket without bytes that were admitted and are not sent. */
export function giveBack(bucket: number, bytes: number, rate: number): number {
  return bucket - durationOf(bytes, rate)
}

function durationOf(bytes: number, rate: number): number {
  return (bytes / rate) * 1000
}
