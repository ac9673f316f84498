import { isHoldfastError } from '../../errors.ts'
import type { StoreContext } from '../context/context.ts'
import { encodeMarker, markerKey, newMarker, withPlace } from '../../catalog/documents/index.ts'
import { formerId } from './former-id.ts'
import { probeEnforcement } from './probe.ts'
import { readMarker } from './read-marker.ts'

/**
 * Verifies that the store enforces conditional creation at a place that its marker does not name, such as one that it was
 * moved to. Records the place in the marker. Replaces a missing or damaged marker, with the id of before if the store records
 * it. So its mirror stays its own. Rejects with `UNSUPPORTED` if the store does not enforce it. MUST precede every commit of
 * a process.
 */
export async function ensureMarker(context: StoreContext, signal?: AbortSignal): Promise<void> {
  const { backend, log, environment } = context
  const place = await backend.place({ signal })
  const found = await readMarker(backend, signal)
  if (found.kind === 'good' && found.marker.verifiedPlaces.includes(place)) return
  await refuseNewerCatalog(context, signal)
  await probeEnforcement(backend, environment.newId(), signal)
  const marker =
    found.kind === 'good'
      ? withPlace(found.marker, place)
      : newMarker(
          (await formerId(log, signal)) ?? environment.newId(),
          environment.now().toISOString(),
          place,
        )
  const bytes = encodeMarker(marker)
  if (found.kind === 'missing' && (await log.isEmpty(signal))) {
    await backend.commit(markerKey, bytes, { signal }) // two processes that create one store at the same time must agree on its id
    return
  }
  await backend.put(markerKey, bytes, { size: bytes.byteLength, contentType: 'application/json', signal })
}

/** Writes nothing if a newer version of Holdfast changed the store in a way that this version cannot read. */
async function refuseNewerCatalog({ log }: StoreContext, signal: AbortSignal | undefined): Promise<void> {
  try {
    await log.newest(signal)
  } catch (error) {
    if (!isHoldfastError(error, 'CORRUPT')) throw error
  }
}

/** Gives a store another id, because it is not the store any more that its marker names, such as a clone. */
export async function renewId({ backend, environment }: StoreContext): Promise<void> {
  const found = await readMarker(backend)
  if (found.kind !== 'good') return
  const bytes = encodeMarker({ ...found.marker, id: environment.newId() })
  await backend.put(markerKey, bytes, { size: bytes.byteLength, contentType: 'application/json' })
}
