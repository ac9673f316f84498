import { isHoldfastError } from '../../errors.ts'
import type { StoreContext } from '../context.ts'
import { type Catalog, decodeMarker, encodeMarker, markerKey, newMarker } from '../documents/index.ts'
import { readIfThere } from '../read-object.ts'
import { probeEnforcement } from './probe.ts'
import { repairMarker, repairStore } from './repair.ts'

/**
 * Makes sure that the store is one, and fit to be one: proves that it enforces conditional creation before it
 * is trusted for the first time, and again wherever it was moved or copied to, and writes its marker.
 */
export async function ensureMarker(context: StoreContext, signal?: AbortSignal): Promise<void> {
  const { backend, surroundings } = context
  await repairMarker(context, signal)
  const bytes = await readIfThere(backend, markerKey, signal)
  if (bytes !== undefined && decodeMarker(bytes).provedAt === backend.url) return
  await probeEnforcement(backend, surroundings.newId(), signal)
  if (bytes !== undefined) return
  const marker = newMarker(surroundings.newId(), surroundings.now().toISOString(), backend.url)
  await backend.commit(markerKey, encodeMarker(marker), { signal })
}

/** The newest version to write upon. A damaged one is rebuilt first, so that no run waits for a person. */
export async function newestToWriteUpon(context: StoreContext, signal?: AbortSignal): Promise<Catalog> {
  try {
    return await context.log.newest(signal)
  } catch (error) {
    if (!isHoldfastError(error, 'CORRUPT')) throw error
    await repairStore(context, { signal })
    return context.log.newest(signal)
  }
}
