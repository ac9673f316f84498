import * as v from 'valibot'
import { formatOf, formatSchema, parseDocument } from './format-version.ts'
import { markerKey } from './layout.ts'
import { seal } from './sealed.ts'
import { timeSchema } from './values.ts'

/** What stands at the root of every store: that it is one, since when, and where it was proved fit to be one. */
export const markerSchema = v.looseObject({
  format: formatSchema('marker'),
  /** Names the store, wherever it is moved or copied. */
  id: v.pipe(v.string(), v.uuid()),
  createdAt: timeSchema,
  /** The URL at which the store was seen to enforce conditional creation. */
  provedAt: v.string(),
})

export type Marker = Readonly<v.InferOutput<typeof markerSchema>>

export function newMarker(id: string, createdAt: string, provedAt: string): Marker {
  return { format: formatOf('marker'), id, createdAt, provedAt }
}

export function encodeMarker(marker: Marker): Uint8Array {
  return seal('marker', marker)
}

export function decodeMarker(bytes: Uint8Array): Marker {
  return parseDocument('marker', markerSchema, bytes, markerKey)
}
