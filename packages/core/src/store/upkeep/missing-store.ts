import { markerKey } from '../../catalog/documents/index.ts'
import { isCatalogLost, lostCatalog } from '../../catalog/commit/lost-catalog.ts'
import { HoldfastError } from '../../errors.ts'
import type { StoreContext } from '../context/context.ts'

/** Rejects with `NOT_FOUND` if the store has no catalog yet, and with `CORRUPT` if its catalog is lost. */
export async function refuseWithoutCatalog(
  context: StoreContext,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { log, backend } = context
  if (log.known !== undefined || !(await log.isEmpty(signal))) return
  if (await isCatalogLost(context, signal)) throw lostCatalog(backend.url)
  throw (await hasMarker(context, signal)) ? emptyStore(backend.url) : absentStore(backend.url)
}

async function hasMarker({ backend }: StoreContext, signal: AbortSignal | undefined): Promise<boolean> {
  return (await backend.stat(markerKey, { signal })) !== undefined
}

function absentStore(url: string): HoldfastError {
  return new HoldfastError('NOT_FOUND', `There is no store at ${url}.`, {
    url,
    hint: { kind: 'check-location' },
  })
}

function emptyStore(url: string): HoldfastError {
  return new HoldfastError('NOT_FOUND', `The store ${url} has no checkpoint yet.`, {
    url,
    hint: { kind: 'save-first' },
  })
}
