import { throwIfAborted } from '../errors.ts'
import { admit, afterPause, giveBack, type TokenBucket } from './token-bucket.ts'

/**
 * What happens to bytes: they are sent to a store, or only read and compared with stored ones, which loads the machine and no
 * network.
 */
export type PacedUse = 'send' | 'compare'

/** Waits until this number of bytes may be used. Rejects with `ABORTED` if the signal fires. The default use is `send`. */
export type Pace = (bytes: number, signal?: AbortSignal, use?: PacedUse) => Promise<void>

/** The highest rates of a store in bytes per second. `undefined` is no limit. */
export interface TransferLimits {
  readonly upload: number | undefined
  readonly download: number | undefined
}

/** A transfer that keeps a limit. While it runs, it catches up on delays. Disposing of it ends it. */
export interface Transfer extends Disposable {
  readonly pace: Pace
}

/** A limit that any number of transfers share, in the order in which they ask. */
export interface RateLimit {
  /** Begins a transfer. */
  readonly begin: () => Transfer
}

/** How fast the payload of a store is transferred. All transfers of an open store share it. */
export interface Transfers {
  readonly upload: RateLimit | undefined
  readonly download: RateLimit | undefined
}

/** Time as a parameter. */
export interface Clock {
  /** Returns milliseconds since some moment. They never go back. */
  elapsed(): number
  pause(milliseconds: number, signal?: AbortSignal): Promise<void>
}

export function transfersOf(limits: TransferLimits, clock: Clock): Transfers {
  return {
    upload: limits.upload === undefined ? undefined : ofSentBytes(limitOf(limits.upload, clock)),
    download: limits.download === undefined ? undefined : limitOf(limits.download, clock),
  }
}

/** Returns transfers whose uploads also keep another limit. */
export function withLimit(transfers: Transfers, other: RateLimit): Transfers {
  const { upload } = transfers
  return { ...transfers, upload: upload === undefined ? other : bothLimits(upload, other) }
}

/** Returns a limit for which bytes that are only compared do not count. */
function ofSentBytes(limit: RateLimit): RateLimit {
  return {
    begin: () => {
      const transfer = limit.begin()
      return {
        pace: async (bytes, signal, use = 'send') => {
          if (use === 'send') await transfer.pace(bytes, signal)
        },
        [Symbol.dispose]: () => {
          transfer[Symbol.dispose]()
        },
      }
    },
  }
}

function bothLimits(one: RateLimit, other: RateLimit): RateLimit {
  return {
    begin: () => {
      const [first, second] = [one.begin(), other.begin()]
      return {
        pace: async (bytes, signal, use) => {
          await first.pace(bytes, signal, use)
          await second.pace(bytes, signal, use)
        },
        [Symbol.dispose]: () => {
          first[Symbol.dispose]()
          second[Symbol.dispose]()
        },
      }
    },
  }
}

/** Shorter waits add up to longer ones, because timers are not more exact. */
const shortestPause = 1

/** Returns a limit of a rate in bytes per second. */
export function limitOf(rate: number, clock: Clock): RateLimit {
  let bucket: TokenBucket
  let running = 0
  const pace: Pace = async (bytes, signal) => {
    const admission = admit(bucket, bytes, clock.elapsed(), rate)
    bucket = admission.bucket
    if (admission.wait < shortestPause) return
    try {
      await clock.pause(admission.wait, signal)
    } catch (error) {
      bucket = giveBack(bucket, bytes, rate)
      throwIfAborted(signal, 'The transfer')
      throw error
    }
  }
  return {
    begin: () => {
      if (running === 0) bucket = afterPause(bucket, clock.elapsed())
      running += 1
      let isRunning = true
      return {
        pace,
        [Symbol.dispose]: () => {
          if (isRunning) running -= 1
          isRunning = false
        },
      }
    },
  }
}
