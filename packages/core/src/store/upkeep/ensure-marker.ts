import type { CheckpointBackend } from '../../backend/index.ts'
import { HoldfastError, isHoldfastError } from '../../errors.ts'
import type { StoreContext } from '../context/context.ts'
import {
  decodeMarker,
  encodeMarker,
  type Marker,
  markerKey,
  newMarker,
  withPlace,
} from '../../catalog/documents/index.ts'
import { readIfThere } from '../../catalog/documents/read-document.ts'
import { withSecondLook } from '../../async/second-look.ts'
import { formerId } from './former-id.ts'
import { probeEnforcement } from './probe.ts'

export type FoundMarker =
  | { readonly kind: 'good'; readonly marker: Marker }
  | { readonly kind: 'damaged' }
  | { readonly kind: 'missing' }

/** Rejects with `UNSUPPORTED` if a newer version of Holdfast wrote the marker. */
export async function readMarker(backend: CheckpointBackend, signal?: AbortSignal): Promise<FoundMarker> {
  try {
    return await withSecondLook(async (look) => {
      const bytes = await readIfThere(backend, markerKey, signal, look)
      return bytes === undefined ? { kind: 'missing' } : { kind: 'good', marker: decodeMarker(bytes) }
    })
  } catch (error) {
    if (isHoldfastError(error, 'CORRUPT')) return { kind: 'damaged' }
    throw error
  }
}

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

/** Returns the id of a store. Rejects with `CORRUPT` if its marker is missing or damaged. */
export async function idOf(backend: CheckpointBackend, signal?: AbortSignal): Promise<string> {
  const found = await readMarker(backend, signal)
  if (found.kind === 'good') return found.marker.id
  throw new HoldfastError(
    'CORRUPT',
    `The marker of ${backend.url} is ${found.kind}, so its checkpoints have no origin that a copy could name.`,
    { url: backend.url, key: markerKey, hint: { kind: 'repair' } },
  )
}

/** Gives a store another id, because it is not the store any more that its marker names, such as a clone. */
export async function renewId({ backend, environment }: StoreContext): Promise<void> {
  const found = await readMarker(backend)
  if (found.kind !== 'good') return
  const bytes = encodeMarker({ ...found.marker, id: environment.newId() })
  await backend.put(markerKey, bytes, { size: bytes.byteLength, contentType: 'application/json' })
}
