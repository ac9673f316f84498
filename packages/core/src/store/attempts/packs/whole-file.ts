import { type ByteObserver, isFileSource, SourceReader } from '../../../backend/index.ts'
import type { BufferPool } from '../../../backend/source/buffer-pool.ts'
import { newBuffer } from '../../../backend/source/buffers.ts'
import { changed, fileChunks, openFile, refuseChanged } from '../../../backend/source/open-file.ts'
import { throwIfAborted } from '../../../errors.ts'
import { sha256Hex } from '../../../integrity/index.ts'
import type { SizedFile } from './plan-packs.ts'

export interface WholeFile {
  readonly chunks: readonly Uint8Array[]
  readonly sha256: string
  /** Lets the memory of the chunks be used again. Call it when nothing uses them any more. */
  readonly release: () => void
}

export interface ReadingOptions {
  readonly observer: ByteObserver | undefined
  readonly signal: AbortSignal
  /** The memory of local files. Each buffer is large enough for the file. Default: new memory. */
  readonly buffers?: BufferPool | undefined
}

/** Reads a small file into memory. Rejects if it changes or does not have its size. */
export async function readWhole(file: SizedFile, options: ReadingOptions): Promise<WholeFile> {
  const { source, size } = file
  if (isFileSource(source)) return readLocal(source.path, size, options)
  const { observer, signal } = options
  // One chunk is the whole file, so no buffer is used twice.
  const chunkBytes = Math.max(1, size)
  await using reader = await SourceReader.open(source, { chunkBytes, chunksHeld: 1, size, observer, signal })
  const chunks: Uint8Array[] = []
  for await (const chunk of reader.chunks()) chunks.push(chunk)
  return { chunks, sha256: reader.result().sha256, release: () => undefined }
}

/** Takes a quarter less processor time than `SourceReader`, which can read files of any size. */
async function readLocal(
  path: string,
  size: number,
  { observer, signal, buffers }: ReadingOptions,
): Promise<WholeFile> {
  throwIfAborted(signal, 'Reading the source')
  const file = await openFile(path)
  try {
    if (Number(file.before.size) !== size)
      throw changed(path, Number(file.before.size) > size ? 'grew' : 'shrank')
    // Files of /proc report a size of 0 although they have content, so at least one byte is read.
    const end = Math.max(1, size)
    let bytes: Uint8Array = new Uint8Array()
    const buffer = buffers?.take() ?? newBuffer(end)
    const whole = { start: 0, end, chunkBytes: end, bufferOf: () => buffer.subarray(0, end) }
    for await (const chunk of fileChunks(file, whole)) bytes = chunk
    await refuseChanged(file)
    if (bytes.byteLength !== size) throw changed(path, bytes.byteLength > size ? 'grew' : 'shrank')
    observer?.update(bytes)
    const release = (): void => buffers?.give(buffer)
    return { chunks: size === 0 ? [] : [bytes], sha256: sha256Hex(bytes), release }
  } finally {
    await file.handle.close()
  }
}
