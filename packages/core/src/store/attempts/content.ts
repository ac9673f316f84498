import type { ByteSource } from '../../backend/index.ts'

/** One file of the checkpoint to come. */
export interface PlannedFile {
  readonly name: string
  readonly source: ByteSource
  /** Bytes; not known of a stream. */
  readonly size: number | undefined
  /** Permission bits; only files have any. */
  readonly mode?: number | undefined
}

/** What an attempt writes beside its files, and how the caller follows it. */
export interface AttemptContent {
  readonly step: number
  readonly epoch?: number | undefined
  readonly metrics?: Readonly<Record<string, number>> | undefined
  readonly tags?: readonly string[] | undefined
  readonly metadata?: unknown
  readonly dataState?: unknown
  readonly signal?: AbortSignal | undefined
  /** Called once every file is stored, before the manifest is. A rejection fails the attempt. */
  readonly beforeCommit?: (() => Promise<void>) | undefined
  /** Called as bytes are stored. `total` is known if every size is known beforehand. */
  readonly onProgress?:
    | ((progress: { readonly bytes: number; readonly total: number | undefined }) => void)
    | undefined
}
