import type { FileHandle } from 'node:fs/promises'

/** Number of written bytes after which a background flush to the disk starts. */
const flushBytes = 32 * 2 ** 20

/**
 * Writes a file in order, and makes it durable. A write runs while the caller prepares the next chunk. Early
 * background flushes shorten the final fsync.
 *
 * @example
 * const writer = new DurableWriter(handle)
 * try {
 *   for await (const chunk of chunks) await writer.write(chunk)
 *   await writer.finish()
 * } finally {
 *   await writer.settle()
 *   await handle.close()
 * }
 */
export class DurableWriter {
  readonly #handle: Pick<FileHandle, 'write' | 'datasync' | 'sync'>
  readonly #onBytes: (written: number) => void
  #position: number
  #flushedFrom: number
  #writing: Promise<void> = Promise.resolve()
  #flushing: Promise<void> | undefined
  #flushed: Promise<void> = Promise.resolve()

  /** Calls `onBytes` with the number of bytes in the file so far. The first write goes to byte `start`. */
  constructor(
    handle: Pick<FileHandle, 'write' | 'datasync' | 'sync'>,
    onBytes: (written: number) => void = () => undefined,
    start = 0,
  ) {
    this.#handle = handle
    this.#onBytes = onBytes
    this.#position = start
    this.#flushedFrom = start
  }

  /**
   * Resolves when the previous chunk is written. The caller must not change this chunk until its next call resolves.
   */
  async write(chunk: Uint8Array): Promise<void> {
    await this.#writing
    const start = this.#position
    this.#position += chunk.byteLength
    this.#writing = this.#write(chunk, start)
    this.#writing.catch(() => undefined) // thrown where it is awaited
  }

  /** Resolves when all bytes are written and durable. Rejects with the first failure of a write or a flush. */
  async finish(): Promise<void> {
    await this.#writing
    // The system reports a failed flush only once, so a failure of an early flush must be kept.
    await this.#flushed
    await this.#handle.sync()
  }

  /**
   * Waits for pending writes and flushes, and ignores their errors. Until then the buffers and the handle are in use.
   */
  async settle(): Promise<void> {
    await Promise.allSettled([this.#writing, this.#flushed])
  }

  async #write(chunk: Uint8Array, start: number): Promise<void> {
    await writeFully(this.#handle, chunk, start)
    this.#onBytes(start + chunk.byteLength)
    const written = start + chunk.byteLength
    if (this.#flushing !== undefined || written - this.#flushedFrom < flushBytes) return
    this.#flushedFrom = written
    this.#flushing = this.#handle.datasync()
    this.#flushed = this.#flushed.then(() => this.#flushing)
    this.#flushed.then(
      () => {
        this.#flushing = undefined
      },
      () => undefined, // thrown by `finish`
    )
  }
}

/** A write may take fewer bytes than it was given. */
export async function writeFully(
  handle: Pick<FileHandle, 'write'>,
  bytes: Uint8Array,
  position: number,
): Promise<void> {
  let written = 0
  while (written < bytes.byteLength) {
    const { bytesWritten } = await handle.write(
      bytes,
      written,
      bytes.byteLength - written,
      position + written,
    )
    written += bytesWritten
  }
}
