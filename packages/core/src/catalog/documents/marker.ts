import * as v from 'valibot'
import { formatAfter, formatOf, formatSchema } from './format-version.ts'
import { markerKey } from './layout.ts'
import type { Named } from './named.ts'
import { parseDocument } from './parse-document.ts'
import { requiresSchema } from './requires.ts'
import { seal } from './sealed.ts'
import { timeSchema } from './values.ts'

/** The document at the root of every store. It names the store and the places at which it was verified. */
export const markerSchema = v.looseObject({
  format: formatSchema('marker'),
  requires: requiresSchema,
  /** The id of the store. It stays the same if the store is moved or copied. */
  id: v.pipe(v.string(), v.uuid()),
  createdAt: timeSchema,
  /** The places at which the store was verified to enforce conditional creation, without secrets, latest first. */
  verifiedPlaces: v.array(v.string()),
})

export type Marker = Named<v.InferOutput<typeof markerSchema>>

/**
 * The number of places to remember. A store may have several names. A forgotten place is verified again at its next
 * use.
 */
const mostPlaces = 8

export function newMarker(id: string, createdAt: string, place: string): Marker {
  return { format: formatOf('marker'), requires: [], id, createdAt, verifiedPlaces: [place] }
}

/** Returns the marker of a store that was verified at one more place. */
export function withPlace(marker: Marker, place: string): Marker {
  const others = marker.verifiedPlaces.filter((other) => other !== place)
  const verifiedPlaces = [place, ...others].slice(0, mostPlaces)
  return { ...marker, format: formatAfter('marker', marker.format), verifiedPlaces }
}

export function encodeMarker(marker: Marker): Uint8Array {
  return seal('marker', marker)
}

export function decodeMarker(bytes: Uint8Array): Marker {
  return parseDocument('marker', markerSchema, bytes, markerKey)
}
