import { resolve } from 'node:path'
import type { CheckpointStore, Duration } from '@holdfast/core'
import { durationOf } from '@holdfast/core/backend'
import { Adopter } from './adoption/adopter.ts'
import type { TrainersOrder } from './adoption/order.ts'
import { systemClock } from './clock.ts'
import { refuseFile } from './folder/refuse-file.ts'
import { type AdoptionOptions, adoptionOptions, assertOptions } from './options.ts'
import { type Unsaved, unsavedIn } from './unsaved.ts'
import { watchWith } from './watch-loop.ts'

/** The options of `watchFolder()`. */
export interface WatchOptions extends AdoptionOptions {
  /** The longest pause between two scans, such as `'1 min'`, or milliseconds. Default: 5 seconds. */
  readonly pollInterval?: Duration | undefined
  /** Whether to scan also when the system reports a change. Default: true. */
  readonly notifications?: boolean | undefined
  /** The order in which checkpoints of one scan are adopted. Default: `modified`. */
  readonly order?: TrainersOrder | undefined
  /**
   * Ends the watch in order: complete checkpoints are adopted first, and incomplete ones are left. Saves that fail are tried again until
   * `signal` fires. Without it, only
   * `signal` ends the watch.
   */
  readonly until?: AbortSignal | undefined
}

/** What `watchFolder()` adopted. */
export interface WatchReport {
  /** The checkpoints that were committed, by their paths below the folder, in order. */
  readonly adopted: readonly string[]
  /** Complete checkpoints that could not be saved, and why. A watch that `until` ends leaves only those that a retry does not help. */
  readonly unsaved: readonly Unsaved[]
}

/**
 * Adopts the checkpoints that a program writes into a folder, until `until` or `signal` fires.
 *
 * Rejects with `ABORTED` when `signal` fires, with `FENCED` when another writer takes the store over, with `UNSUPPORTED`
 * when a newer version has written the store, and with `INVALID_ARGUMENT` for wrong options. Other failures of a save are reported as events, and the save is tried again.
 *
 * @example
 * const ended = new AbortController()
 * const watching = watchFolder(store, 'out', { until: ended.signal, onEvent: console.log })
 * await train()
 * ended.abort()
 * const { adopted } = await watching
 */
export async function watchFolder(
  store: CheckpointStore,
  folder: string,
  options: WatchOptions = {},
): Promise<WatchReport> {
  const known = [...adoptionOptions, 'pollInterval', 'notifications', 'order', 'until']
  assertOptions(options, known, 'watchFolder')
  const { order = 'modified', until, signal, clock = systemClock } = options
  const pollInterval = durationOf('pollInterval', options.pollInterval ?? '5 s', { most: Infinity })
  await refuseFile(folder)
  const adopter = new Adopter(store, resolve(folder), {
    ...options,
    order,
    trustsAge: false,
    failsFast: false,
  })
  let unsaved: readonly Unsaved[] = []
  const adopted = await watchWith(adopter, {
    pollInterval,
    notifications: options.notifications ?? true,
    until,
    signal,
    onScanned: (report) => {
      unsaved = unsavedIn(report)
    },
    writer: () => 'writing',
    clock,
  })
  return { adopted, unsaved }
}
