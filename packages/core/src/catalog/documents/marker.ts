import * as v from 'valibot'
import { formatOf, formatSchema, parseDocument } from './format-version.ts'
import { markerKey } from './layout.ts'
import { seal } from './sealed.ts'
import { timeSchema } from './values.ts'

/** What stands at the root of every store: that it is one, since when, and where it was verified to be fit. */
export const markerSchema = v.looseObject({
  format: formatSchema('marker'),
  /** Names the store, wherever it is moved or copied. */
  id: v.pipe(v.string(), v.uuid()),
  createdAt: timeSchema,
  /** Where the store was verified to enforce conditional creation: the places, without secrets, the latest first. */
  verifiedPlaces: v.array(v.string()),
})

export type Marker = Readonly<v.InferOutput<typeof markerSchema>>

/** One store may have several names; more than these are verified anew. */
const mostPlaces = 8

export function newMarker(id: string, createdAt: string, place: string): Marker {
  return { format: formatOf('marker'), id, createdAt, verifiedPlaces: [place] }
}

/** The marker of a store that was verified at one more place. */
export function withPlace(marker: Marker, place: string): Marker {
  const others = marker.verifiedPlaces.filter((other) => other !== place)
  return { ...marker, verifiedPlaces: [place, ...others].slice(0, mostPlaces) }
}

export function encodeMarker(marker: Marker): Uint8Array {
  return seal('marker', marker)
}

export function decodeMarker(bytes: Uint8Array): Marker {
  return parseDocument('marker', markerSchema, bytes, markerKey)
}
