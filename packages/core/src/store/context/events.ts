import { channel } from 'node:diagnostics_channel'
import { EventEmitter } from 'node:events'
import type { UnscoredObjective } from '../../catalog/judging/unscored.ts'
import type { RetryEvent } from '../../backend/index.ts'

/** The events of a store. Each is also published to the `node:diagnostics_channel` `holdfast:<name>`, with the URL of the
 * store as `store`. */
export interface StoreEvents {
  /** A checkpoint is committed. */
  readonly saved: { readonly step: number; readonly bytes: number }
  /** A checkpoint was copied into this store and is committed. `from` is the URL of the source. */
  readonly copied: { readonly step: number; readonly bytes: number; readonly from: string }
  /** A commit dropped checkpoints from the list. Their bytes are deleted afterwards. */
  readonly dropped: { readonly step: number; readonly because: string }
  /** The mirror has a checkpoint. `waiting` is the number of checkpoints that it does not have yet. */
  readonly mirrored: { readonly step: number; readonly bytes: number; readonly waiting: number }
  /** The mirror could not be brought up to date. It is tried again after `retryIn` milliseconds, or not at all. */
  readonly mirrorFailed: { readonly error: Error; readonly retryIn: number | undefined }
  /** A checkpoint was dropped before the mirror had it, because the space was needed. */
  readonly droppedUnmirrored: { readonly step: number; readonly because: string }
  /**
   * A restore chose between the store and its mirror, or delivered a checkpoint from one of them that is corrupt in the other.
   * `why` is a sentence about that. `isMirrorRead` is false if the mirror could not be read, so that it may be ahead.
   */
  readonly restoringFrom: {
    readonly from: 'store' | 'mirror'
    readonly url: string
    readonly why: string
    readonly isMirrorRead: boolean
  }
  /** A checkpoint that was saved or got a metric is the best of an objective. `value` has the unit of the metric. */
  readonly best: { readonly objective: string; readonly step: number; readonly value: number }
  /** A metric of an objective is NaN or infinite. It is recorded and is never the best. */
  readonly notFinite: { readonly step: number; readonly metric: string; readonly value: number }
  /**
   * A save, an attach or a prune found an objective without a value. Its metric may be misspelt. Until it has a value,
   * retention keeps all checkpoints within the limits.
   */
  readonly unscored: UnscoredObjective
  /** A corrupt checkpoint was found and quarantined. */
  readonly quarantined: { readonly step: number; readonly reason: string }
  /** A save fits, but leaves fewer free bytes than `warnBelow`. */
  readonly spaceLow: { readonly left: number; readonly threshold: number }
  /**
   * A save deleted unfinished saves: those of killed processes of this machine, or with `makeRoom` those of other writers.
   * The size is in bytes.
   */
  readonly swept: { readonly saves: number; readonly bytes: number }
  /** This writer became the owner. `from` names the previous owner. */
  readonly tookOver: { readonly from: string | undefined }
  /**
   * The catalog was rebuilt as `version`. `pinned` are the steps that a damaged or lost document may have pinned, so they are pinned
   * until they are unpinned. Those of `pinnedSeveralTimes` have several pinned checkpoints, each of which needs an unpin. `reason` is a sentence, or `undefined` if the catalog was undamaged, and only its list of checkpoints was not.
   */
  readonly rebuilt: {
    readonly version: number
    readonly checkpoints: number
    readonly pinned: readonly number[]
    readonly pinnedSeveralTimes: readonly number[]
    readonly reason: string | undefined
  }
  /** Objects that a commit dropped could not be deleted now. A later sweep deletes them. */
  readonly cleanupFailed: { readonly keys: readonly string[]; readonly error: Error }
  /**
   * The clocks that date checkpoints disagree, or seem to have jumped. Retention keeps a checkpoint that only one of them
   * considers old.
   */
  readonly clockDoubted: { readonly reason: string }
  /** A rank has waited 5 seconds for other ranks of its job, which have not joined, verified their files or saved their part. */
  readonly waitingForRanks: {
    readonly ranks: readonly number[]
    /** The number of all ranks. */
    readonly size: number
    readonly for: 'join' | 'verify' | 'save'
  }
  /** A request to the store failed and is retried after a pause. */
  readonly retry: RetryEvent
  /**
   * A save in the background failed. Its handle rejects with the error. If no caller reads that, `flush` or `close` throws
   * it.
   */
  readonly backgroundError: { readonly step: number; readonly error: Error }
}

type EventArguments = { [Name in keyof StoreEvents]: [StoreEvents[Name]] }

/** Typed events of one store. */
export class StoreEventEmitter {
  readonly #emitter = new EventEmitter<EventArguments>()
  #store = ''

  /** Sets the URL that is published to `node:diagnostics_channel`, which has one channel for all stores. */
  identify(url: string): void {
    this.#store = url
  }

  on<Name extends keyof StoreEvents>(name: Name, listener: (event: StoreEvents[Name]) => void): void {
    this.#emitter.on(name, listener as never)
  }

  off<Name extends keyof StoreEvents>(name: Name, listener: (event: StoreEvents[Name]) => void): void {
    this.#emitter.off(name, listener as never)
  }

  emit<Name extends keyof StoreEvents>(name: Name, event: StoreEvents[Name]): void {
    try {
      this.#emitter.emit(name, ...([event] as never))
    } catch (error) {
      // An error in a listener is not an error of the store. It ends the process like any uncaught error.
      queueMicrotask(() => {
        throw error
      })
    }
    channel(`holdfast:${name}`).publish({ store: this.#store, ...event })
  }
}
