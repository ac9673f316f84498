import type { Piece } from '../objects/pieces.ts'
import type { Described, ExpectedHashes } from './metadata.ts'

/** The conditions of a request: https://cloud.google.com/storage/docs/request-preconditions. */
export interface Conditions {
  readonly generationMatch?: number | undefined
  readonly generationNotMatch?: number | undefined
  readonly metagenerationMatch?: number | undefined
  readonly metagenerationNotMatch?: number | undefined
}

/** The bytes of an object. A composite object can share its pieces with other objects. */
export interface Content {
  readonly pieces: readonly Piece[]
  readonly size: number
  /** The CRC32C of the bytes, in base64. */
  readonly crc32c: string
  /** The MD5 of the bytes, in base64. Absent for composite objects. */
  readonly md5Hash: string | undefined
  /** Number of objects that it was composed of, counted recursively. Absent if it was not composed. */
  readonly components: number | undefined
}

export interface StoredObject extends Content, Described {
  readonly bucket: string
  readonly name: string
  readonly generation: number
  readonly metageneration: number
  readonly created: number
  readonly updated: number
}

/** A resumable upload. */
export interface Session {
  readonly id: string
  readonly bucket: string
  readonly name: string
  readonly begun: number
  readonly described: Described
  readonly hashes: ExpectedHashes
  readonly conditions: Conditions
  /** The total size that the first request or a chunk announced. */
  readonly total: number | undefined
  readonly pieces: readonly Piece[]
  /** Number of persisted bytes. */
  readonly size: number
  /** The result of the upload: an object, or the way in which it ended without one. `undefined` before its end. */
  readonly ended: { readonly resource: object } | 'cancelled' | 'failed' | undefined
}
