import {
  type BackgroundSave,
  type CheckpointStore,
  HoldfastError,
  openStore,
  type OpenStoreOptions,
  type SaveRequest,
  type SaveResult,
  type StoreEvents,
} from '@holdfast/core'
import type { Streams } from './streams.ts'

/** Sends a JSON-RPC notification to the client. */
export type Notify = (method: string, params: Readonly<Record<string, unknown>>) => void

const eventNames: Readonly<Record<keyof StoreEvents, true>> = {
  saved: true,
  copied: true,
  mirrored: true,
  mirrorFailed: true,
  dropped: true,
  droppedUnmirrored: true,
  restoringFrom: true,
  best: true,
  notFinite: true,
  unscored: true,
  quarantined: true,
  spaceLow: true,
  swept: true,
  tookOver: true,
  rebuilt: true,
  cleanupFailed: true,
  clockDoubted: true,
  waitingForRanks: true,
  retry: true,
  backgroundError: true,
}

/** The stores and streams of one client. */
export class Session {
  readonly streams: Streams
  readonly notify: Notify
  readonly #stores = new Map<number, CheckpointStore>()
  readonly #inBackground = new Map<Promise<BackgroundSave>, CheckpointStore>()
  #newest = 0

  constructor(streams: Streams, notify: Notify) {
    this.streams = streams
    this.notify = notify
  }

  async open(
    location: string | undefined,
    options: OpenStoreOptions,
  ): Promise<{ readonly store: number; readonly url: string; readonly hasRetention: boolean }> {
    const number = (this.#newest += 1)
    const store = await openStore(location, {
      ...options,
      onIgnoredConfig: ({ file, reason }) => {
        this.notify('event', { store: number, name: 'ignoredConfig', event: { file, reason } })
      },
    })
    this.#stores.set(number, store)
    for (const name of Object.keys(eventNames) as (keyof StoreEvents)[])
      store.on(name, (event) => {
        this.notify('event', { store: number, name, event })
      })
    return { store: number, url: store.url, hasRetention: store.hasRetention }
  }

  /** Throws `INVALID_ARGUMENT` if no open store has this number. */
  storeOf(number: number): CheckpointStore {
    const store = this.#stores.get(number)
    if (store !== undefined) return store
    throw new HoldfastError(
      'INVALID_ARGUMENT',
      `No store ${number} is open. openStore returns the number of a store.`,
    )
  }

  /** Resolves when the checkpoint is committed; with `undefined` if the limit of background saves skipped it. */
  async saveInBackground(number: number, request: SaveRequest): Promise<SaveResult | undefined> {
    const store = this.storeOf(number)
    const save = store.saveInBackground(request)
    this.#inBackground.set(save, store)
    try {
      return await (
        await save
      ).done
    } finally {
      this.#inBackground.delete(save)
    }
  }

  /** Ends the limit of the background saves of a store, because the client waits for them. */
  async hurry(number: number): Promise<void> {
    const store = this.storeOf(number)
    for (const [save, of] of this.#inBackground) {
      if (of === store) save.then(hurried, () => undefined) // its own call reports a failure
    }
  }

  async close(number: number): Promise<void> {
    const store = this.storeOf(number)
    this.#stores.delete(number)
    await store.close()
  }

  /** Closes all stores, and throws the first error. */
  async closeAll(): Promise<void> {
    const closed = await Promise.allSettled([...this.#stores.keys()].map((number) => this.close(number)))
    for (const each of closed) if (each.status === 'rejected') throw each.reason
  }
}

function hurried(save: BackgroundSave): void {
  save.hurry()
}

/** What a method works with beside its parameters. */
export interface Call {
  readonly session: Session
  readonly signal: AbortSignal
}
