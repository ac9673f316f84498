import { refuseUnknownOptions } from '../../input/unknown-options.ts'
import type { CheckpointBackend } from '../../backend/index.ts'
import type { CheckpointChoice } from '../../catalog/judging/choose.ts'
import { isWhole, type PagedCatalog, type WholeCatalog } from '../../catalog/pages/index.ts'
import { durationOf } from '../../input/duration.ts'
import { isHoldfastError } from '../../errors.ts'
import type { Restored, RestoreOptions } from '../restore/result.ts'
import type { RestoreUpkeep } from '../restore/try-to-restore.ts'
import type { CopyDestination } from '../copy/sides.ts'
import { lookAtBoth, readableOf } from './both-sides.ts'
import { bringBack } from './bring-back.ts'
import { MirrorConnection } from './connection.ts'
import type { LocalStore } from './local-side.ts'
import { flushLimitOf, maxBehindOf, type MirrorOptions } from './options.ts'
import { HeldReading } from './held-reading.ts'
import { restoreWithMirror } from './restore-with-mirror.ts'
import {
  type BroughtBack,
  type FlushOptions,
  type Mirror,
  type MirrorStatus,
  mirrorStatus,
} from './status.ts'
import { MirrorWorker } from './worker.ts'

/** The mirror of an open store. */
export class StoreMirror implements Mirror {
  readonly #local: LocalStore
  /** The store as a destination of copies. */
  readonly #destination: CopyDestination
  readonly #connection: MirrorConnection
  readonly #worker: MirrorWorker
  /** Milliseconds. */
  readonly #flushLimit: number
  /** Whether this process wrote something for which no flush has waited. */
  #isBehind = false

  /** Owns the backend of the mirror: closing the store closes it. */
  constructor(
    backend: CheckpointBackend,
    options: MirrorOptions,
    local: LocalStore,
    destination: CopyDestination,
  ) {
    this.#local = local
    this.#destination = destination
    this.#connection = new MirrorConnection(backend, options, local.context)
    this.#worker = new MirrorWorker(this.#local, this.#connection)
    this.#flushLimit = flushLimitOf(options)
  }

  get url(): string {
    return this.#connection.backend.url
  }

  async status(signal?: AbortSignal): Promise<MirrorStatus> {
    return this.#statusOf(await this.#local.context.log.whole(signal))
  }

  async flush(options: FlushOptions = {}): Promise<MirrorStatus> {
    refuseUnknownOptions(options, ['limit', 'newestFirst', 'signal'], 'flush', this.url)
    const { newestFirst, signal } = options
    const limit = durationOf('limit', options.limit ?? this.#flushLimit, { most: Infinity, url: this.url })
    await this.#waitForMirror(limit, newestFirst === true, signal)
    return this.#statusUntil(signal)
  }

  async bringBack(signal?: AbortSignal): Promise<BroughtBack> {
    const sides = await lookAtBoth(this.#local.context, this.#connection, undefined, signal)
    const step = await bringBack(sides, this.#local, this.#connection, this.#destination, signal)
    const { local, mirror } = sides
    const isEmpty = step === undefined && readableOf(local).catalog.latest === undefined
    if (!isEmpty && mirror.kind === 'readable') await this.#worker.reportIfFenced(signal)
    return { step, reading: new HeldReading(this.url, mirror) }
  }

  /** Copies in the background what the mirror lacks. Called after each change of the store. */
  wake(): void {
    this.#isBehind = true
    this.#worker.wake()
  }

  /** Records the mirror in the store before a write, so that every writer keeps what the mirror does not have yet. */
  async recorded(newest: PagedCatalog, signal: AbortSignal | undefined): Promise<PagedCatalog> {
    const { options } = this.#connection
    const maxBehind = maxBehindOf(options)
    const { mirror } = newest
    if (mirror?.place === this.url && mirror.maxBehind === maxBehind) return newest
    const change = { kind: 'record mirror', place: this.url, maxBehind, settled: [] } as const
    try {
      return (await this.#local.context.log.commit(change, signal)).catalog
    } catch (error) {
      if (!isHoldfastError(error, 'FENCED')) throw error
      return newest // the write itself reports that another writer owns the store
    }
  }

  async restore(
    choice: CheckpointChoice,
    options: RestoreOptions,
    upkeep: RestoreUpkeep,
  ): Promise<Restored | undefined> {
    return restoreWithMirror(this.#local, this.#connection, choice, options, upkeep)
  }

  /** Waits for what this process wrote, the latest checkpoint first. A flush that has just failed is not repeated. */
  async finish(): Promise<void> {
    if (this.#isBehind) await this.#waitForMirror(this.#flushLimit, true)
  }

  /** Ends the copying. A later process continues it. */
  async close(): Promise<void> {
    try {
      await this.#worker.stop()
    } finally {
      await this.#connection.close()
    }
  }

  /** Once the signal has fired, this is the status by the catalog that was read last. The store may not answer any more. */
  async #statusUntil(signal: AbortSignal | undefined): Promise<MirrorStatus> {
    try {
      return await this.status(signal)
    } catch (error) {
      const { known } = this.#local.context.log
      if (signal?.aborted !== true || known === undefined || !isWhole(known)) throw error
      return this.#statusOf(known)
    }
  }

  #statusOf(catalog: WholeCatalog): MirrorStatus {
    return mirrorStatus(this.url, catalog, catalog.mirror, this.#worker.state, this.#worker.refused)
  }

  async #waitForMirror(limit: number, newestFirst: boolean, signal?: AbortSignal): Promise<void> {
    this.#isBehind = false // a write during the wait sets it again
    const hasEnded = await this.#worker.flush(limit, newestFirst, signal)
    if (!hasEnded) this.#isBehind = true
  }
}
