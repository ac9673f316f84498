import type { ByteSource } from '../../backend/index.ts'
import type { PackMode } from '../context/pack-mode.ts'
import type { FiniteRequirement } from './require-finite.ts'
import type { Reuse } from './reuse/reuse.ts'

/** A file to save. */
export interface PlannedFile {
  readonly name: string
  readonly source: ByteSource
  /** The size in bytes. Streams have none. */
  readonly size: number | undefined
  /** The SHA-256 that the bytes must have, if the caller knows it. */
  readonly sha256?: string | undefined
  /** The permission bits. Only files have them. */
  readonly mode?: number | undefined
}

/** The files of an attempt, the other members of its manifest, and the caller's signal and callbacks. */
export interface AttemptContent {
  readonly step: number
  readonly epoch?: number | undefined
  readonly metrics?: Readonly<Record<string, number>> | undefined
  readonly tags?: readonly string[] | undefined
  readonly metadata?: unknown
  readonly dataState?: unknown
  readonly signal?: AbortSignal | undefined
  /** Fails the attempt if a tensor has NaN or infinity. */
  readonly finite?: FiniteRequirement | undefined
  /** Whether small files are stored together. */
  readonly packs: PackMode
  /** The stored files that may be used again. Default: none. */
  readonly reuse?: Reuse | undefined
  /** Called when every file is stored, before the manifest. A rejection fails the attempt. */
  readonly beforeCommit?: (() => Promise<void>) | undefined
  /** Called as bytes are stored. `total` is defined if every size is known beforehand. */
  readonly onProgress?:
    | ((progress: { readonly bytes: number; readonly total: number | undefined }) => void)
    | undefined
}
