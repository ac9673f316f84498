import type { Rate } from '../../pacing/index.ts'

/** Limits for the saves that `store.saveInBackground()` starts. */
export interface BackgroundOptions {
  /** Maximum number of concurrent background saves. Default: 1. */
  readonly limit?: number | undefined
  /**
   * What to do with a further save: `wait` until one has ended, `skip` the save, or `fail` with `UNAVAILABLE`. Default:
   * `wait`.
   */
  readonly atLimit?: 'wait' | 'skip' | 'fail' | undefined
  /**
   * How fast background saves and copies to the mirror are sent while other work needs all processors, or the event loop of
   * this process: bytes per second, or a string such as `'16 MiB/s'`. `'unlimited'` sets no limit. The limit ends when
   * `flush`, `close` or a further background save waits for them. It does not apply to the first 8 MiB of a save, and not to
   * saves of many ranks, because ranks wait for each other. Default: 16 MiB/s.
   */
  readonly rateWhileBusy?: Rate | 'unlimited' | undefined
}
