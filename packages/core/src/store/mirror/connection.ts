import type { CheckpointBackend } from '../../backend/index.ts'
import type { WriterMode } from '../../catalog/commit/rules/index.ts'
import { mirrorJob, type Owner } from '../../catalog/documents/index.ts'
import { HoldfastError } from '../../errors.ts'
import { planRetention } from '../../retention/index.ts'
import { spaceLimits } from '../../space/index.ts'
import type { StoreContext } from '../context/context.ts'
import { inBackground } from '../context/in-background.ts'
import { CorruptCopies } from '../copy/corrupt-copies.ts'
import type { CopyDestination } from '../copy/sides.ts'
import { StoreEventEmitter } from '../context/events.ts'
import { type ContextSettings, newContext, newWriter } from '../context/new-context.ts'
import { storeFoldersOf } from '../context/store-folders.ts'
import { readMarker } from '../marker/read-marker.ts'
import { WriteAccess } from '../upkeep/write-access.ts'
import type { Side } from './continuation.ts'
import type { MirrorOptions } from './options.ts'

/** Access to the mirror of a store: for reading, and as the writer that the store is to its mirror. */
export class MirrorConnection {
  readonly backend: CheckpointBackend
  readonly options: MirrorOptions
  /** Reads the mirror, and writes nothing to it. */
  readonly reader: StoreContext
  readonly #local: StoreContext
  readonly #events: StoreEventEmitter
  readonly #corrupt = new CorruptCopies()
  #hasOwned = false
  #writer:
    | { readonly id: string; readonly access: WriteAccess; readonly destination: CopyDestination }
    | undefined

  /** `events` gets those of the mirror. */
  constructor(
    backend: CheckpointBackend,
    options: MirrorOptions,
    local: StoreContext,
    events = new StoreEventEmitter(),
  ) {
    this.#events = events
    this.backend = backend
    this.options = options
    this.#local = local
    // A run that continues from the mirror continues in the store.
    this.reader = { ...this.#context(local.environment.newId(), 'shared'), line: local.line }
  }

  /**
   * Returns the id of the mirror and its newest catalog. Rejects with `CORRUPT` if its catalog or its marker is damaged. `onAnswer`
   * is called once the mirror has answered the first request.
   */
  async side(signal: AbortSignal | undefined, onAnswer?: () => void): Promise<Side> {
    const found = await readMarker(this.backend, signal)
    onAnswer?.()
    const { log } = this.#writer?.destination.context ?? this.reader
    const catalog = await log.whole(signal)
    if (found.kind === 'damaged' || (found.kind === 'missing' && catalog.version > 0))
      throw new HoldfastError('CORRUPT', `The marker of the mirror ${this.backend.url} is ${found.kind}.`, {
        url: this.backend.url,
        hint: { kind: 'repair' },
      })
    return { id: found.kind === 'good' ? found.marker.id : undefined, catalog }
  }

  /**
   * Returns the mirror as a destination of copies. All processes of the store with this id are one writer. Its first write takes
   * the mirror over from the owner with the id `takeOverFrom`, and from no other. So a process that decided long ago does not take
   * it from an owner that it has not seen.
   */
  writer(id: string, takeOverFrom?: string): CopyDestination {
    if (this.#writer?.id === id) return this.#writer.destination
    this.forgetWriter()
    const context = this.#context(id, 'exclusive', takeOverFrom)
    const access = new WriteAccess(context)
    const destination = {
      context,
      access,
      id: async (signal: AbortSignal | undefined): Promise<string | undefined> => {
        const found = await readMarker(this.backend, signal)
        return found.kind === 'good' ? found.marker.id : undefined
      },
      corrupt: this.#corrupt,
    }
    this.#writer = { id, access, destination }
    return destination
  }

  /** Whether the user lets this process take the mirror from this owner. A process that has lost the mirror never takes it back. */
  mayForce(owner: Owner | null, id: string): boolean {
    return this.options.takeOver === true && (!this.#hasOwned || owner?.id === id)
  }

  noteOwned(): void {
    this.#hasOwned = true
  }

  /** Lets the next use of the mirror decide again who may write to it. */
  forgetWriter(): void {
    this.#writer?.access.tidying.end()
    this.#writer = undefined
  }

  /** Waits for deletions at the mirror. */
  async finish(): Promise<void> {
    await this.#writer?.access.finish()
  }

  /** Waits for deletions at the mirror, and closes it. */
  async close(): Promise<void> {
    try {
      await this.finish()
    } finally {
      await this.backend.close()
    }
  }

  #context(id: string, mode: WriterMode, takeOverFrom?: string): StoreContext {
    const { keeping, environment, gracePeriod, writer, backend, limits, busyLimit } = this.#local
    const { objectives } = keeping
    const { retention } = this.options
    const name = `${writer.name}, for ${backend.url}`
    const settings: ContextSettings = {
      writer: newWriter({ id, name, mode, job: mode === 'shared' ? undefined : mirrorJob(id) }),
      mayTakeOver: takeOverFrom !== undefined,
      takesOverFrom: takeOverFrom,
      gracePeriod,
      keeping: {
        objectives,
        retention: retention === undefined ? keeping.retention : planRetention(retention, objectives),
      },
      packs: 'auto',
      unchanged: 'auto',
      storeFolders: storeFoldersOf(backend, this.backend),
      space: spaceLimits(),
      limits: { store: limits.mirror, mirror: limits.mirror },
      busyLimit,
    }
    return inBackground(newContext(this.backend, settings, environment, this.#events))
  }
}
