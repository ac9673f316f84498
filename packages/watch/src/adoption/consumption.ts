import { basename, dirname, posix, relative } from 'node:path'
import { type CheckpointStore, isHoldfastError } from '@holdfast/core'
import { isFinal } from '@holdfast/core/backend'
import type { WatchClock } from '../clock.ts'
import { type Disk, diskOn } from '../disk.ts'
import type { AdoptedBytes } from '../memory/memory.ts'
import type { AdoptionOptions } from '../options.ts'
import type { Announcements } from './announcements.ts'
import { consume, type Leftover, recoverConsumed } from './consume.ts'
import type { WholeCheckpoint } from './inspect.ts'
import { Outcomes } from './outcomes.ts'
import { storedAt } from './stored.ts'

/** Deletes the trainer's files of checkpoints that the store has, if the options want it. Its failures concern no save. */
export class Consumption {
  readonly #store: CheckpointStore
  readonly #clock: WatchClock
  readonly #announcements: Announcements
  readonly #options: Pick<AdoptionOptions, 'consume' | 'signal'>
  readonly #disk: Disk
  readonly #outcomes = new Outcomes()
  /** The folders in which no deletion is unfinished, and the failures of the others. */
  readonly #recovered = new Set<string>()
  readonly #recoveries = new Outcomes()

  constructor(
    store: CheckpointStore,
    clock: WatchClock,
    announcements: Announcements,
    options: Pick<AdoptionOptions, 'consume' | 'signal'>,
    disk: Disk = diskOn(),
  ) {
    this.#store = store
    this.#clock = clock
    this.#announcements = announcements
    this.#options = options
    this.#disk = disk
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
      if (stored?.digest === digest) {
        const { isDeleted, kept } = await consume(candidate, snapshot, this.#disk)
        if (isDeleted) this.#announcements.announce({ type: 'consumed', name })
        if (kept !== undefined) this.#announceKept(posix.join(posix.dirname(name), basename(kept.path)), kept)
      }
      this.#outcomes.succeed(name)
      return true
    } catch (error) {
      if (!isHoldfastError(error) || isFinal(error)) throw error
      this.#recovered.delete(dirname(candidate.path)) // the files may have been moved aside already
      const retryIn = this.#outcomes.fail(name, fingerprint, error, this.#clock.now())
      this.#announcements.announce({ type: 'notConsumed', name, error, retryIn })
      return false
    }
  }

  /**
   * Finishes the deletions in each folder that a killed process or an error interrupted. Tries a folder again after a pause if one
   * fails. Returns whether it put a checkpoint back.
   */
  async recover(root: string, folders: readonly string[]): Promise<boolean> {
    let hasPutBack = false
    for (const folder of folders) {
      if (this.#recovered.has(folder) || this.#recoveries.dueIn(folder, '', this.#clock.now()) > 0) continue
      const recovered = await recoverConsumed(folder, this.#disk)
      hasPutBack ||= recovered.hasPutBack
      for (const kept of recovered.kept) this.#announceKept(relative(root, kept.path), kept)
      const [first] = recovered.stuck
      if (first === undefined) {
        this.#recovered.add(folder)
        this.#recoveries.succeed(folder)
        continue
      }
      const retryIn = this.#recoveries.fail(folder, '', first.error, this.#clock.now())
      for (const { path, error } of recovered.stuck)
        this.#announcements.announceOnce({ type: 'notConsumed', name: relative(root, path), error, retryIn })
    }
    return hasPutBack
  }

  #announceKept(name: string, { error }: Leftover): void {
    this.#announcements.announce({ type: 'notConsumed', name, error, retryIn: undefined })
  }

  /** Forgets checkpoints that no longer exist. */
  keepOnly(names: ReadonlySet<string>): void {
    this.#outcomes.keepOnly(names)
  }
}
