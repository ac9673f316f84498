import type { ByteObserver, FileSource } from '../../../backend/index.ts'
import type { BufferPool } from '../../../backend/source/buffer-pool.ts'
import { changed, notAFile } from '../../../backend/source/open-file.ts'
import { throwIfAborted } from '../../../errors.ts'
import type { ReadAnswer, ReadOutcome } from '../../../integrity/helper-thread.ts'
import type { ThreadReads } from '../../../integrity/thread-reads.ts'
import { fromNodeError } from '../../../node-errors.ts'
import type { SizedFile } from './plan-packs.ts'

/** A small file of this machine. */
export type LocalFile = SizedFile & { readonly source: FileSource }

/** Files whose bytes are in memory, one after the other. */
export interface FilesInMemory {
  readonly chunks: readonly Uint8Array[]
  /** The SHA-256 of each file. */
  readonly digests: readonly string[]
  /** Lets the memory of the chunks be used again. Call it when nothing uses them any more. */
  readonly release: () => void
}

export interface TogetherOptions {
  readonly observe: (file: SizedFile) => ByteObserver | undefined
  readonly signal: AbortSignal
  /** Shared memory. Each buffer is large enough for all files together. */
  readonly buffers: BufferPool
}

/** Reads small files in another thread. Rejects if one of them changes or does not have its size. */
export async function readTogether(
  reads: ThreadReads,
  files: readonly LocalFile[],
  { observe, signal, buffers }: TogetherOptions,
): Promise<FilesInMemory & Pick<ReadAnswer, 'milliseconds'>> {
  throwIfAborted(signal, 'Reading the source')
  const total = files.reduce((sum, { size }) => sum + size, 0)
  const bytes = buffers.take().subarray(0, total)
  const { outcomes, milliseconds } = await reads.read({
    files: files.map(({ source: { path }, size }) => ({ path, size })),
    room: bytes,
  })
  throwIfAborted(signal, 'Reading the source')
  const digests = files.map(({ source }, index) => digestOf(source.path, outcomes[index]))
  let offset = 0
  for (const file of files) {
    observe(file)?.update(bytes.subarray(offset, offset + file.size))
    offset += file.size
  }
  const release = (): void => {
    buffers.give(bytes)
  }
  return { chunks: total === 0 ? [] : [bytes], digests, release, milliseconds }
}

function digestOf(path: string, outcome: ReadOutcome | undefined): string {
  if (outcome === undefined) throw new Error(`The thread did not say what became of ${path}`)
  if ('sha256' in outcome) return outcome.sha256
  if ('changed' in outcome) throw changed(path, outcome.changed)
  if ('isNoFile' in outcome) throw notAFile(path)
  const { message, ...details } = outcome.failed
  throw fromNodeError(Object.assign(new Error(message), details), `reading ${path}`)
}
