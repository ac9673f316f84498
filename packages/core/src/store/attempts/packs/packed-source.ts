import type { ByteObserver } from '../../../backend/index.ts'
import { BufferPool } from '../../../backend/source/buffer-pool.ts'
import { newBuffer } from '../../../backend/source/buffers.ts'
import type { SizedFile } from './plan-packs.ts'
import { readWhole, type WholeFile } from './whole-file.ts'

/** Bytes of the next files that are read while the bytes of a file are stored. */
const bytesAhead = 2 * 2 ** 20

/** The largest number of files that are read at once. */
const filesAhead = 8

/** What the packing of one file observes. */
export interface PackedObserver {
  /** Returns an observer of the bytes of the file, which are read once. */
  readonly observe: (file: SizedFile) => ByteObserver | undefined
  /** Called with the digest of the bytes of a file before they are handed out. A failure ends the pack. */
  readonly onFile: (file: SizedFile, sha256: string) => void
}

/**
 * Yields the bytes of small files one after the other. Reads a few files ahead, since most of their time is spent on opening
 * and closing them. Rejects if a file changes or does not have its size.
 */
export async function* packedSource(
  files: readonly SizedFile[],
  { observe, onFile }: PackedObserver,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  const stop = new AbortController()
  const anySignal = AbortSignal.any([signal, stop.signal])
  const ahead: { readonly file: SizedFile; readonly read: Promise<WholeFile> }[] = []
  const waiting = files.values()
  const largest = files.reduce((most, { size }) => Math.max(most, size), 1)
  const buffers = new BufferPool(largest, newBuffer)
  let bytes = 0
  const fill = (): void => {
    while (ahead.length === 0 || (ahead.length < filesAhead && bytes < bytesAhead)) {
      const { done, value: file } = waiting.next()
      if (done === true) return
      const read = readWhole(file, { observer: observe(file), signal: anySignal, buffers })
      read.catch(() => undefined) // thrown where it is awaited
      ahead.push({ file, read })
      bytes += file.size
    }
  }
  try {
    for (;;) {
      fill()
      const next = ahead.shift()
      if (next === undefined) return
      const { chunks, sha256, release } = await next.read
      bytes -= next.file.size
      onFile(next.file, sha256)
      fill()
      yield* chunks
      release() // the consumer copies a chunk before it asks for the next one
    }
  } finally {
    stop.abort()
    await Promise.allSettled(ahead.map(({ read }) => read))
  }
}
