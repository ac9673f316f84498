import type { StoreContext } from '../context/context.ts'
import { readMarker } from '../marker/read-marker.ts'
import type { Side } from './continuation.ts'

/** The store that is mirrored. */
export interface LocalStore {
  readonly context: StoreContext
  /** Resolves once this process may write to the store. */
  readonly ready: (signal: AbortSignal | undefined) => Promise<unknown>
}

/** Returns the id of a store and its newest catalog. Without a good marker the store has no id. */
export async function sideOf({ backend, log }: StoreContext, signal: AbortSignal | undefined): Promise<Side> {
  const found = await readMarker(backend, signal)
  return { id: found.kind === 'good' ? found.marker.id : undefined, catalog: await log.whole(signal) }
}
