import { type BigIntStats, constants } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import {
  abortedError,
  HoldfastError,
  type ObjectStat,
  type ReadableObject,
  type ReadOptions,
  resolveRange,
  throwIfAborted,
} from '@holdfast/core/backend'
import type { Disk } from './disk.ts'
import { failedWith, keyError } from './errors.ts'
import { type PatientRead, readPatiently } from './patient-reads.ts'

const readBytes = 2 ** 20

/**
 * Returns the flags to open a file for reading. A link is not followed, and a pipe is not waited for, which would block a thread
 * for ever. Windows does not have these flags.
 */
export function openFlagsOn(platform: NodeJS.Platform): number {
  return constants.O_RDONLY | (platform === 'win32' ? 0 : constants.O_NOFOLLOW | constants.O_NONBLOCK)
}

/**
 * Streams a file or a range of it. The handle is closed at the end, after an error, and on cancellation. Rejects with
 * `CORRUPT` if the file exists and cannot be read after several attempts.
 */
export async function read(disk: Disk, key: string, options: ReadOptions): Promise<ReadableObject> {
  const { names, seen } = disk
  const path = names.path(key)
  const { signal } = options
  const asked = { what: `reading ${path}`, key, url: names.url, signal }
  await seen.refuseLinks(names.foldersOf(key), 'CORRUPT')
  const file = await readPatiently(() => OpenFile.open(disk, path), asked)
  try {
    const { start, end } = resolveRange(options.range, Number(file.stats.size), key, names.url)
    throwIfAborted(signal, `The read of ${key}`, { key, url: names.url })
    return { stat: statOf(key, file.stats), body: streamOf(file, start, end, asked) }
  } catch (error) {
    await file.close()
    throw error
  }
}

/**
 * Returns the stat of a file; `undefined` if it is absent or not a regular file. Rejects with `CORRUPT` if the disk
 * fails.
 */
export async function stat(disk: Disk, key: string): Promise<ObjectStat | undefined> {
  const { names, seen } = disk
  const path = names.path(key)
  await seen.refuseLinks(names.foldersOf(key), 'CORRUPT')
  return statAt(disk, key, path)
}

/** Does what `stat` does, without a look at the key and its folders. */
export function statAt(
  { fileSystem, names }: Disk,
  key: string,
  path: string,
  signal?: AbortSignal,
): Promise<ObjectStat | undefined> {
  return readPatiently(
    async () => {
      try {
        const stats = await fileSystem.lstat(path, { bigint: true })
        return stats.isFile() ? statOf(key, stats) : undefined
      } catch (error) {
        if (failedWith(error, 'ENOENT', 'ENOTDIR')) return undefined
        throw error
      }
    },
    { what: `looking at ${path}`, key, url: names.url, signal },
  )
}

/** A regular file that is open for reading. It can be opened again after a failure. */
class OpenFile {
  readonly stats: BigIntStats
  readonly #disk: Disk
  readonly #path: string
  #handle: FileHandle
  #isClosed = false

  private constructor(disk: Disk, path: string, handle: FileHandle, stats: BigIntStats) {
    this.#disk = disk
    this.#path = path
    this.#handle = handle
    this.stats = stats
  }

  static async open(disk: Disk, path: string): Promise<OpenFile> {
    const handle = await disk.fileSystem.open(path, disk.openFlags)
    try {
      const stats = await handle.stat({ bigint: true })
      if (!stats.isFile()) throw Object.assign(new Error(`${path} is not a file`), { code: 'ENOENT' })
      return new OpenFile(disk, path, handle, stats)
    } catch (error) {
      await handle.close()
      throw error
    }
  }

  /** Reads into a buffer, and returns the number of bytes. */
  async read(buffer: Uint8Array, position: number): Promise<number> {
    return (await this.#handle.read(buffer, 0, buffer.byteLength, position)).bytesRead
  }

  /** Opens the file again. A handle of a network file system can become stale, and a device can recover. */
  async reopen(): Promise<void> {
    const again = await OpenFile.open(this.#disk, this.#path)
    if (revisionOf(again.stats) !== revisionOf(this.stats)) {
      await again.close()
      throw new HoldfastError('UNAVAILABLE', `${this.#path} was replaced during the read. Read it again.`, {
        retryable: false,
      })
    }
    const failed = this.#handle
    this.#handle = again.#handle
    await failed.close()
    if (this.#isClosed) await again.close() // the stream was cancelled during the call
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await this.#handle.close()
  }
}

/** Returns the stat of a file. A file that replaces another has another inode, or the same inode with another time. */
export function statOf(key: string, stats: BigIntStats): ObjectStat {
  return {
    key,
    size: Number(stats.size),
    // The rename or link that publishes a file sets the ctime. The bytes may have been written long before.
    modifiedAt: stats.ctime,
    revision: revisionOf(stats),
  }
}

export function revisionOf({ ino, mtimeNs, size }: BigIntStats): string {
  return [ino, mtimeNs, size].map((part) => part.toString(36)).join('-')
}

function cutShort(position: number, end: number): HoldfastError {
  return new HoldfastError(
    'CORRUPT',
    `The file ended at byte ${position} of ${end} during the read: it was truncated.`,
  )
}

function streamOf(
  file: OpenFile,
  start: number,
  end: number,
  asked: PatientRead,
): ReadableStream<Uint8Array> {
  const { what, key, url, signal } = asked
  const failed = (error: unknown): HoldfastError => keyError(error, what, key, url)
  let position = start
  let stopListening = (): void => undefined
  const release = async (): Promise<void> => {
    stopListening()
    await file.close()
  }
  /** After an error, which is the one to report. The file was only read, so a failed close loses nothing. */
  const releaseAnyway = (): Promise<void> => release().catch(() => undefined)
  return new ReadableStream({
    type: 'bytes',
    start(controller) {
      if (signal === undefined) return
      const onAbort = (): void => {
        controller.error(failed(abortedError(signal, 'The read')))
        void releaseAnyway()
      }
      signal.addEventListener('abort', onAbort, { once: true })
      stopListening = () => {
        signal.removeEventListener('abort', onAbort)
      }
    },
    async pull(controller) {
      try {
        // Use the buffer of the reader, if it has one.
        const request = controller.byobRequest
        const buffer = viewOf(request, end - position)
        const bytesRead = await readPatiently(async (attempt) => {
          if (attempt > 1) await file.reopen()
          return file.read(buffer, position)
        }, asked)
        if (signal?.aborted === true) return
        position += bytesRead
        if (bytesRead === 0 && position < end) throw cutShort(position, end)
        // Bun returns `undefined` here instead of the standard's null.
        if (bytesRead > 0 && request == null) controller.enqueue(buffer.subarray(0, bytesRead))
        else if (bytesRead > 0) request?.respond(bytesRead)
        if (bytesRead > 0 && position < end) return
        await release()
        controller.close()
        controller.byobRequest?.respond(0) // ends a read that waits
      } catch (error) {
        await releaseAnyway()
        throw failed(error)
      }
    },
    cancel: release,
  })
}

function viewOf(request: ReadableStreamBYOBRequest | null, left: number): Uint8Array {
  const view = request?.view
  if (view == null) return Buffer.allocUnsafeSlow(Math.min(readBytes, left))
  return new Uint8Array(view.buffer, view.byteOffset, Math.min(view.byteLength, left))
}
