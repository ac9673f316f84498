import { withSecondLook } from '../../async/second-look.ts'
import type { CheckpointBackend } from '../../backend/index.ts'
import { decodeMarker, type Marker, markerKey } from '../../catalog/documents/index.ts'
import { readIfThere } from '../../catalog/documents/read-document.ts'
import { HoldfastError, isHoldfastError } from '../../errors.ts'

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
