import { relative } from 'node:path'
import { type CheckpointStore, isHoldfastError } from '@holdfast/core'
import { isFinal } from '@holdfast/core/backend'
import type { WatchClock } from '../clock.ts'
import type { AdoptedBytes } from '../memory/memory.ts'
import type { AdoptionOptions } from '../options.ts'
import type { Announcements } from './announcements.ts'
import { consume, recoverConsumed } from './consume.ts'
import type { WholeCheckpoint } from './inspect.ts'
import { Outcomes } from './outcomes.ts'
import { storedAt } from './stored.ts'

/** Deletes the trainer's files of checkpoints that the store has, if the options want it. Its failures concern no save. */
export class Consumption {
  readonly #store: CheckpointStore
  readonly #clock: WatchClock
  readonly #announcements: Announcements
  readonly #options: Pick<AdoptionOptions, 'consume' | 'signal'>
  readonly #outcomes = new Outcomes()
  readonly #recovered = new Set<string>()

  constructor(
    store: CheckpointStore,
    clock: WatchClock,
    announcements: Announcements,
    options: Pick<AdoptionOptions, 'consume' | 'signal'>,
  ) {
    this.#store = store
    this.#clock = clock
    this.#announcements = announcements
    this.#options = options
  }

  /** Deletes the files, but only while the store lists the same bytes. Returns false if it must be called again later. */
  async consume(
    { candidate, snapshot }: Pick<WholeCheckpoint, 'candidate' | 'snapshot'>,
    { step, digest }: AdoptedBytes,
  ): Promise<boolean> {
    if (this.#options.consume !== true) return true
    const { name } = candidate
    const { fingerprint } = snapshot
    if (this.#outcomes.dueIn(name, fingerprint, this.#clock.now()) > 0) return false
    try {
      const stored = await storedAt(this.#store, step, this.#options.signal)
      if (stored?.digest === digest && (await consume(candidate, snapshot)))
        this.#announcements.announce({ type: 'consumed', name })
      this.#outcomes.succeed(name)
      return true
    } catch (error) {
      if (!isHoldfastError(error) || isFinal(error)) throw error
      const retryIn = this.#outcomes.fail(name, fingerprint, error, this.#clock.now())
      this.#announcements.announce({ type: 'notConsumed', name, error, retryIn })
      return false
    }
  }

  /** Finishes once what killed processes left in each folder. Returns whether it put a checkpoint back. */
  async recover(root: string, folders: readonly string[]): Promise<boolean> {
    let hasPutBack = false
    for (const folder of folders) {
      if (this.#recovered.has(folder)) continue
      this.#recovered.add(folder)
      const recovered = await recoverConsumed(folder)
      hasPutBack ||= recovered.hasPutBack
      for (const { path, error } of recovered.stuck)
        this.#announcements.announce({
          type: 'notConsumed',
          name: relative(root, path),
          error,
          retryIn: undefined,
        })
    }
    return hasPutBack
  }

  /** Forgets checkpoints that no longer exist. */
  keepOnly(names: ReadonlySet<string>): void {
    this.#outcomes.keepOnly(names)
  }
}
