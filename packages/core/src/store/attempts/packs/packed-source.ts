import { type ByteObserver, isFileSource } from '../../../backend/index.ts'
import { BufferPool } from '../../../backend/source/buffer-pool.ts'
import { newBuffer } from '../../../backend/source/buffers.ts'
import { ThreadReads } from '../../../integrity/thread-reads.ts'
import type { SizedFile } from './plan-packs.ts'
import { type FilesInMemory, type LocalFile, readTogether } from './read-together.ts'
import { readWhole } from './whole-file.ts'

/** Bytes of the next files that are read while the bytes of others are stored. */
const bytesAhead = 2 * 2 ** 20

/** The largest number of reads at once. */
const readsAhead = 8

/** Starting a thread takes as long as reading as many files on this one. */
const worthAThread = 256

/** Size in bytes of the memory for files that another thread reads together. Each small file fits into it. */
const togetherBytes = 2 ** 20

/** The largest number of files that one order names, so that an abort or a failure does not wait for long. */
const togetherFiles = 32

/**
 * Milliseconds. If a file takes longer, its file system waits for a network or a disk, and several reads at once are faster than
 * one thread. From a cache, a file of 64 KiB takes about 0.1 ms.
 */
const slowFile = 0.5

/** What the packing of one file observes. */
export interface PackedObserver {
  /** Returns an observer of the bytes of the file, which are read once. */
  readonly observe: (file: SizedFile) => ByteObserver | undefined
  /** Called with the digest of the bytes of a file before they are handed out. A failure ends the pack. */
  readonly onFile: (file: SizedFile, sha256: string) => void
}

/** Files that are read by one call. */
interface Portion {
  readonly files: readonly SizedFile[]
  readonly read: (signal: AbortSignal) => Promise<FilesInMemory>
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
  using reads = await threadFor(files)
  const stop = new AbortController()
  const anySignal = AbortSignal.any([signal, stop.signal])
  const ahead: { readonly portion: Portion; readonly read: Promise<FilesInMemory> }[] = []
  const waiting = reads === undefined ? eachAlone(files, observe) : together(reads, files, observe)
  let bytes = 0
  let mostAhead = reads === undefined ? readsAhead : 1 // the first read of a thread shows how fast the files are
  const fill = (): void => {
    while (ahead.length === 0 || (ahead.length < mostAhead && bytes < bytesAhead)) {
      const { done, value: portion } = waiting.next()
      if (done === true) return
      const read = portion.read(anySignal)
      read.catch(() => undefined) // thrown where it is awaited
      ahead.push({ portion, read })
      bytes += bytesOf(portion)
    }
  }
  try {
    for (;;) {
      fill()
      const next = ahead.shift()
      if (next === undefined) return
      const { chunks, digests, release } = await next.read
      bytes -= bytesOf(next.portion)
      mostAhead = readsAhead
      for (const [index, file] of next.portion.files.entries()) onFile(file, digests[index] ?? '')
      fill()
      yield* chunks
      release() // the consumer copies a chunk before it asks for the next one
    }
  } finally {
    stop.abort()
    await Promise.allSettled(ahead.map(({ read }) => read))
  }
}

/** Returns a thread that reads the files, if there are enough of them on this machine. */
async function threadFor(files: readonly SizedFile[]): Promise<ThreadReads | undefined> {
  return files.filter(isLocal).length < worthAThread ? undefined : ThreadReads.begin()
}

/** Reads each file by a call of its own, on this thread. */
function* eachAlone(
  files: readonly SizedFile[],
  observe: PackedObserver['observe'],
): Generator<Portion, void, undefined> {
  const buffers = bufferPool(files)
  for (const file of files) yield alone(file, observe, buffers)
}

/**
 * Lets a thread read the files of this machine that follow each other, and reads the others on this one. Reads all that are left
 * on this one once the files turn out to be slow.
 */
function* together(
  reads: ThreadReads,
  files: readonly SizedFile[],
  observe: PackedObserver['observe'],
): Generator<Portion, void, undefined> {
  const [buffers, shared] = [bufferPool(files), new BufferPool(togetherBytes, newSharedBuffer)]
  const found = { isSlow: false }
  let row: LocalFile[] = []
  let rowBytes = 0
  const portion = (): Portion => {
    const ofRow = row
    row = []
    rowBytes = 0
    return {
      files: ofRow,
      read: async (signal) => {
        const { milliseconds, ...read } = await readTogether(reads, ofRow, {
          observe,
          signal,
          buffers: shared,
        })
        found.isSlow ||= milliseconds > slowFile * ofRow.length
        return read
      },
    }
  }
  for (const file of files) {
    const isFull = row.length === togetherFiles || rowBytes + file.size > togetherBytes
    if (row.length > 0 && (isFull || !isLocal(file))) yield portion()
    if (isLocal(file) && !found.isSlow) {
      row.push(file)
      rowBytes += file.size
    } else yield alone(file, observe, buffers)
  }
  if (row.length > 0) yield portion()
}

function bufferPool(files: readonly SizedFile[]): BufferPool {
  return new BufferPool(
    files.reduce((most, { size }) => Math.max(most, size), 1),
    newBuffer,
  )
}

function alone(file: SizedFile, observe: PackedObserver['observe'], buffers: BufferPool): Portion {
  return {
    files: [file],
    read: async (signal) => {
      const { chunks, sha256, release } = await readWhole(file, { observer: observe(file), signal, buffers })
      return { chunks, digests: [sha256], release }
    },
  }
}

function bytesOf({ files }: Portion): number {
  return files.reduce((sum, { size }) => sum + size, 0)
}

function isLocal(file: SizedFile): file is LocalFile {
  return isFileSource(file.source)
}

function newSharedBuffer(bytes: number): Uint8Array {
  return new Uint8Array(new SharedArrayBuffer(bytes))
}
