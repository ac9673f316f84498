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
} from '@holdfast/core'
import type { Disk } from './disk.ts'
import { failedWith, keyError } from './errors.ts'

const readBytes = 2 ** 20

/**
 * A link in the place of a file is not followed, and a pipe not waited for: that would hold a thread for good.
 * Windows does not know the flags.
 */
const openFlags =
  constants.O_RDONLY | (process.platform === 'win32' ? 0 : constants.O_NOFOLLOW | constants.O_NONBLOCK)

/** Streams the file, or a range of it. The handle is closed at the end, on an error, and when it is cancelled. */
export async function read(
  { fileSystem, names, seen }: Disk,
  key: string,
  options: ReadOptions,
): Promise<ReadableObject> {
  const path = names.path(key)
  await seen.refuseLinks(names.foldersOf(key))
  const handle = await fileSystem.open(path, openFlags)
  try {
    const stats = await handle.stat({ bigint: true })
    if (!stats.isFile()) throw Object.assign(new Error(`${path} is not a file`), { code: 'ENOENT' })
    const { start, end } = resolveRange(options.range, Number(stats.size), key, names.url)
    throwIfAborted(options.signal, `The read of ${key}`, { key, url: names.url })
    const failed = (error: unknown): HoldfastError => keyError(error, `reading ${path}`, key, names.url)
    return { stat: statOf(key, stats), body: streamOf(handle, start, end, options.signal, failed) }
  } catch (error) {
    await handle.close()
    throw error
  }
}

/** `undefined` when it is not there, or is no regular file. */
export async function stat({ fileSystem, names, seen }: Disk, key: string): Promise<ObjectStat | undefined> {
  const path = names.path(key)
  await seen.refuseLinks(names.foldersOf(key))
  try {
    const stats = await fileSystem.lstat(path, { bigint: true })
    return stats.isFile() ? statOf(key, stats) : undefined
  } catch (error) {
    if (failedWith(error, 'ENOENT', 'ENOTDIR')) return undefined
    throw error
  }
}

/** A file that takes the place of another has another inode, or the same one again at another time. */
export function statOf(key: string, stats: BigIntStats): ObjectStat {
  return {
    key,
    size: Number(stats.size),
    // The rename or link that published it sets the ctime; its bytes may have been written long before.
    modifiedAt: stats.ctime,
    revision: [stats.ino, stats.mtimeNs, stats.size].map((part) => part.toString(36)).join('-'),
  }
}

function cutShort(position: number, end: number): HoldfastError {
  return new HoldfastError(
    'CORRUPT',
    `The file ended at byte ${position} of ${end} while it was read: something cut it short.`,
  )
}

function streamOf(
  handle: FileHandle,
  start: number,
  end: number,
  signal: AbortSignal | undefined,
  failed: (error: unknown) => HoldfastError,
): ReadableStream<Uint8Array> {
  let position = start
  let stopListening = (): void => undefined
  const release = async (): Promise<void> => {
    stopListening()
    await handle.close()
  }
  return new ReadableStream({
    type: 'bytes',
    start(controller) {
      if (signal === undefined) return
      const onAbort = (): void => {
        controller.error(failed(abortedError(signal, 'The read')))
        void release()
      }
      signal.addEventListener('abort', onAbort, { once: true })
      stopListening = () => {
        signal.removeEventListener('abort', onAbort)
      }
    },
    async pull(controller) {
      try {
        // Into the reader's own buffer, where it has brought one.
        const request = controller.byobRequest
        const buffer = viewOf(request, end - position)
        const { bytesRead } = await handle.read(buffer, 0, buffer.byteLength, position)
        if (signal?.aborted === true) return
        position += bytesRead
        if (bytesRead === 0 && position < end) throw cutShort(position, end)
        if (bytesRead > 0 && request === null) controller.enqueue(buffer.subarray(0, bytesRead))
        else if (bytesRead > 0) request?.respond(bytesRead)
        if (bytesRead > 0 && position < end) return
        await release()
        controller.close()
        controller.byobRequest?.respond(0) // lets go of a read that waits
      } catch (error) {
        await release()
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
