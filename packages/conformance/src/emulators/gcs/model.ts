import type { Piece } from '../pieces.ts'
import type { Described, ExpectedHashes } from './metadata.ts'

/** Cloud Storage documentation, "Request preconditions". */
export interface Conditions {
  readonly generationMatch?: number | undefined
  readonly generationNotMatch?: number | undefined
  readonly metagenerationMatch?: number | undefined
  readonly metagenerationNotMatch?: number | undefined
}

/** The bytes of an object. Those of a composite object may be in pieces that other objects have as well. */
export interface Content {
  readonly pieces: readonly Piece[]
  readonly size: number
  /** Base64. */
  readonly crc32c: string
  /** Base64; an object that was composed has none. */
  readonly md5Hash: string | undefined
  /** How many objects it was composed of, and they in turn. */
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
  /** What was announced, in the request that began it or in a chunk. */
  readonly total: number | undefined
  readonly pieces: readonly Piece[]
  /** How many bytes are persisted. */
  readonly size: number
  /** What it became, or that it became nothing. */
  readonly ended: { readonly resource: object } | 'cancelled' | 'failed' | undefined
}
