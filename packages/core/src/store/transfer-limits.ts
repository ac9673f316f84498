import type { CheckpointBackend } from '../backend/index.ts'
import { defaultRateWhileBusy, parseRate, type Rate, type TransferLimits } from '../pacing/index.ts'
import type { StoreLimits } from './context/context.ts'
import type { BackgroundOptions } from './save/background-options.ts'

/** The options of a store that limit its transfers. */
interface LimitOptions {
  readonly limitUpload?: Rate | undefined
  readonly limitDownload?: Rate | undefined
}

/** Returns the limits that options name. Throws `INVALID_ARGUMENT` for an invalid rate. */
export function parseLimits({ limitUpload, limitDownload }: LimitOptions): TransferLimits {
  return {
    upload: limitUpload === undefined ? undefined : parseRate(limitUpload, 'limitUpload'),
    download: limitDownload === undefined ? undefined : parseRate(limitDownload, 'limitDownload'),
  }
}

/**
 * Returns the limits of a store and of its mirror. A store on a disk that has a mirror is not limited, so that saves do not wait
 * for what the network may carry.
 */
export function limitsOf(
  options: LimitOptions & { readonly mirror?: object | undefined },
  { capabilities }: CheckpointBackend,
): StoreLimits {
  const isLocal = options.mirror !== undefined && capabilities.localRoot !== undefined
  return { store: parseLimits(isLocal ? {} : options), mirror: parseLimits(options) }
}

/**
 * Returns the limit of transfers in the background while the machine is busy. Throws `INVALID_ARGUMENT` for an invalid rate.
 */
export function parseRateWhileBusy({ rateWhileBusy }: BackgroundOptions = {}): number | undefined {
  if (rateWhileBusy === 'unlimited') return undefined
  return rateWhileBusy === undefined
    ? defaultRateWhileBusy
    : parseRate(rateWhileBusy, 'background.rateWhileBusy')
}
