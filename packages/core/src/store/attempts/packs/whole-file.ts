import { type ByteObserver, SourceReader } from '../../../backend/index.ts'
import type { SizedFile } from './plan-packs.ts'

export interface WholeFile {
  readonly chunks: readonly Uint8Array[]
  readonly sha256: string
}

/** Reads a small file into memory. Rejects if it changes or does not have its size. */
export async function readWhole(
  { source, size }: SizedFile,
  observer: ByteObserver | undefined,
  signal: AbortSignal,
): Promise<WholeFile> {
  // One chunk is the whole file, so no buffer is used twice.
  const chunkBytes = Math.max(1, size)
  await using reader = await SourceReader.open(source, { chunkBytes, chunksHeld: 1, size, observer, signal })
  const chunks: Uint8Array[] = []
  for await (const chunk of reader.chunks()) chunks.push(chunk)
  return { chunks, sha256: reader.result().sha256 }
}
