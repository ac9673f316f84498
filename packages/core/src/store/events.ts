import { channel } from 'node:diagnostics_channel'
import { EventEmitter } from 'node:events'
import type { UnscoredObjective } from '../catalog/judging/unscored.ts'
import type { RetryEvent } from '../backend/index.ts'

/** What a store tells those who listen. Every event also goes to `node:diagnostics_channel` as
 * `holdfast:<name>`, with the URL of the store as `store`. */
export interface StoreEvents {
  /** A checkpoint is committed. */
  readonly saved: { readonly step: number; readonly bytes: number }
  /** A commit dropped checkpoints from the list; their bytes are deleted next. */
  readonly dropped: { readonly step: number; readonly because: string }
  /** A checkpoint that was saved, or given a metric, is the best of an objective. `value` in the metric's own unit. */
  readonly best: { readonly objective: string; readonly step: number; readonly value: number }
  /** A metric that an objective looks at is NaN or infinite: it is recorded, and never the best. */
  readonly notFinite: { readonly step: number; readonly metric: string; readonly value: number }
  /**
   * A save, an attach or a prune found an objective without a value: its metric may be misspelt. Until it has one,
   * everything that the limits allow is kept.
   */
  readonly unscored: UnscoredObjective
  /** A checkpoint was found corrupt and set aside. */
  readonly quarantined: { readonly step: number; readonly reason: string }
  /** A save fits, and leaves less free than `warnBelow`. Bytes. */
  readonly spaceLow: { readonly left: number; readonly threshold: number }
  /** This writer became the owner; `from` names the one that it took over from. */
  readonly tookOver: { readonly from: string | undefined }
  /** A damaged catalog was rebuilt from what is there. */
  readonly rebuilt: { readonly version: number; readonly checkpoints: number }
  /** What a commit dropped could not be deleted now; a sweep will. */
  readonly cleanupFailed: { readonly keys: readonly string[]; readonly error: Error }
  /**
   * The clocks that date checkpoints disagree, or seem to have jumped. Retention keeps what it would drop by one of them
   * alone.
   */
  readonly clockDoubted: { readonly reason: string }
  /** A request to the store failed and is made again after a pause. */
  readonly retry: RetryEvent
  /** A save in the background failed. It is also thrown by its handle, and by `flush` and `close` if nobody looked. */
  readonly backgroundError: { readonly step: number; readonly error: Error }
}

type EventArguments = { [Name in keyof StoreEvents]: [StoreEvents[Name]] }

/** Typed events of one store. */
export class StoreEventEmitter {
  readonly #emitter = new EventEmitter<EventArguments>()
  #store = ''

  /** Names the store, without secrets, in what goes to `node:diagnostics_channel`: it has one channel for all stores. */
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
      // A listener that fails must not pass for a failure of the store; it ends the process as any stray error does.
      queueMicrotask(() => {
        throw error
      })
    }
    channel(`holdfast:${name}`).publish({ store: this.#store, ...event })
  }
}
