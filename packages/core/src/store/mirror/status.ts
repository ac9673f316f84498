import type { MirrorRecord } from '../../catalog/documents/index.ts'
import { type WholeCatalog } from '../../catalog/pages/index.ts'
import type { Duration } from '../../input/duration.ts'
import { HoldfastError } from '../../errors.ts'
import type { StoreContext } from '../context/context.ts'
import type { MirrorReading } from '../restore/result.ts'
import type { WorkerState } from './worker.ts'

/** How far a mirror is, as far as the store knows it. Nothing is asked of the mirror. */
export interface MirrorStatus {
  /** URL of the mirror, without secrets. */
  readonly url: string
  /**
   * What this process does for the mirror now. If it copies nothing, `failing` or `fenced` if the store records that, and `undefined`
   * if this process was opened without the mirror.
   */
  readonly state: WorkerState['kind'] | undefined
  /** Why the mirror fails, or does not accept this store. */
  readonly error: Error | undefined
  /** The time since which the mirror fails or does not accept this store, as far as the store records it. */
  readonly failingSince: Date | undefined
  /** The time of the next try if the mirror fails. */
  readonly retryAt: Date | undefined
  /** The latest checkpoint that the mirror has; `undefined` if it has none. */
  readonly newest: { readonly step: number; readonly savedAt: Date; readonly copiedAt: Date } | undefined
  /** The checkpoints that the mirror does not have yet, the oldest first. Sizes are in bytes. */
  readonly waiting: readonly { readonly step: number; readonly bytes: number }[]
  /** Checkpoints that could not be copied, and why. */
  readonly failed: readonly { readonly step: number; readonly error: HoldfastError }[]
}

/** Combines what the catalog records with what the worker does. */
export function mirrorStatus(
  url: string,
  catalog: WholeCatalog,
  recorded: MirrorRecord | undefined,
  worker: WorkerState | undefined,
  refused: ReadonlyMap<string, HoldfastError>,
): MirrorStatus {
  const entries = new Map(catalog.checkpoints.all.map((entry) => [entry.attempt, entry]))
  const waiting = recorded === undefined ? [...entries.keys()] : recorded.waiting
  const newest = recorded?.newest
  const failure = recorded?.failure
  const isAtWork = worker !== undefined && worker.kind !== 'idle'
  return {
    url,
    ...(isAtWork || failure === undefined ? stateOf(worker) : stateOfRecord(failure)),
    failingSince: failure && new Date(failure.since),
    newest:
      newest === undefined
        ? undefined
        : { step: newest.step, savedAt: new Date(newest.savedAt), copiedAt: new Date(newest.at) },
    waiting: waiting.flatMap((attempt) => {
      const entry = entries.get(attempt)
      return entry === undefined ? [] : [{ step: entry.step, bytes: entry.bytes }]
    }),
    failed: [...entries].flatMap(([attempt, { step }]) => {
      const error = refused.get(attempt)
      return error === undefined ? [] : [{ step, error }]
    }),
  }
}

type ShownState = Pick<MirrorStatus, 'state' | 'error' | 'retryAt'>

function stateOf(worker: WorkerState | undefined): ShownState {
  return {
    state: worker?.kind,
    error: worker?.kind === 'failing' || worker?.kind === 'fenced' ? worker.error : undefined,
    retryAt: worker?.kind === 'failing' ? worker.retryAt : undefined,
  }
}

/** What another process found, or this one before. */
function stateOfRecord({ kind, message }: NonNullable<MirrorRecord['failure']>): ShownState {
  return kind === 'fenced'
    ? { state: 'fenced', error: new HoldfastError('FENCED', message), retryAt: undefined }
    : { state: 'failing', error: new HoldfastError('UNAVAILABLE', message), retryAt: undefined }
}

/** Returns the status of the mirror that the store records; `undefined` if it records none. */
export async function recordedMirrorStatus(
  { log }: StoreContext,
  signal: AbortSignal | undefined,
): Promise<MirrorStatus | undefined> {
  const catalog = await log.whole(signal)
  if (catalog.mirror === undefined) return undefined
  return mirrorStatus(catalog.mirror.place, catalog, catalog.mirror, undefined, new Map())
}

/** The mirror of an open store. */
export interface Mirror {
  /** URL of the mirror, without secrets. */
  readonly url: string
  /** Returns how far the mirror is, as far as the store knows it. Sends no request to the mirror. */
  status(signal?: AbortSignal): Promise<MirrorStatus>
  /**
   * Copies to the mirror what it lacks, and waits for that. Does not reject if the mirror fails: the returned status shows what
   * is missing.
   */
  flush(options?: FlushOptions): Promise<MirrorStatus>
  /**
   * Copies the latest checkpoint of the mirror into the store if the run continued there without it: the disk was lost, or another
   * machine continued. Returns its step, and what it has read of the mirror. Rejects with `UNAVAILABLE` if the store has no
   * checkpoint and the mirror cannot be read, and with `CORRUPT` if that checkpoint is corrupt.
   *
   * Call it when a run begins, before anything is saved. It emits `mirrorFailed` with a `FENCED` error if the mirror belongs to
   * another store. It writes nothing to the mirror.
   */
  bringBack(signal?: AbortSignal): Promise<BroughtBack>
}

/** What `mirror.bringBack()` did. */
export interface BroughtBack {
  /** The step of the checkpoint that was copied into the store; `undefined` if the mirror was not ahead. */
  readonly step: number | undefined
  /** The mirror as it was read, for `mirrorReading` of a restore that follows at once. */
  readonly reading: MirrorReading
}

/** How long `mirror.flush()` waits, and in which order it copies. */
export interface FlushOptions {
  /** How long to wait, such as `'10 min'`, or milliseconds. Default: `flushLimit` of the options of the mirror. */
  readonly limit?: Duration | undefined
  /** Copies the latest checkpoint first, because the process may end before all are copied. Default: false. */
  readonly newestFirst?: boolean | undefined
  /** Ends the wait. The status is then that of the catalog that was read last; without one the flush rejects with `ABORTED`. */
  readonly signal?: AbortSignal | undefined
}
