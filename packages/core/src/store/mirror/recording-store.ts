import { CatalogLog } from '../../catalog/commit/catalog-log.ts'
import { mayChange } from '../../catalog/commit/rules/index.ts'
import type { PagedCatalog } from '../../catalog/pages/index.ts'
import { HoldfastError } from '../../errors.ts'
import type { StoreContext } from '../context/context.ts'
import type { CopySource } from '../copy/sides.ts'
import { ensureMarker } from '../marker/ensure-marker.ts'
import type { LocalStore } from './local-side.ts'

/** A store from which checkpoints are copied, and that may be changed if the destination is its mirror. */
export interface MirroredSource extends CopySource {
  /** Resolves once this process may write to the store. Takes it over from another writer if the options of the store allow that. */
  readonly ready: (signal: AbortSignal | undefined) => Promise<unknown>
}

/**
 * Returns the store with which the copy records what the mirror has. Such a change ends no save, so a writer of the job that owns the store
 * may commit it. If a process without a job owns the store, the copy takes the store over first, if it was told to. Otherwise throws
 * `FENCED`.
 */
export function recordingStore(source: MirroredSource, catalog: PagedCatalog, mirror: string): LocalStore {
  const { context, ready } = source
  const { owner } = catalog
  if (mayChange(catalog, context.writer)) return markedStore(context)
  if (owner === null || owner.job !== undefined) return markedStore(recorderOf(context, owner?.job))
  if (isToldToTakeOver(context)) return { context, ready }
  throw new HoldfastError(
    'FENCED',
    `${context.backend.url} belongs to ${owner.name}, and only that process may copy to its mirror ${mirror} while it runs. ` +
      'Copy to another place, or take the store over if that process was killed.',
    { url: context.backend.url, hint: { kind: 'take-over', job: undefined } },
  )
}

/** Returns a store with a writer that only records what the mirror has. */
function recorderOf(context: StoreContext, job: string | undefined): StoreContext {
  const { writer, backend, keeping, environment } = context
  const recorder = {
    ...writer,
    id: environment.newId(),
    mode: job === undefined ? 'shared' : 'exclusive',
    job,
  } as const
  return { ...context, writer: recorder, log: new CatalogLog(backend, recorder, keeping, environment) }
}

function markedStore(context: StoreContext): LocalStore {
  return { context, ready: (signal) => ensureMarker(context, signal) }
}

/** An exclusive writer without a job takes over by default. That it only copies must not fence the process that saves. */
function isToldToTakeOver({ writer, mayTakeOver }: StoreContext): boolean {
  return mayTakeOver && (writer.mode === 'shared' || writer.job !== undefined)
}
