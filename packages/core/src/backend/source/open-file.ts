import type { BigIntStats } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { basename } from 'node:path'
import { HoldfastError } from '../../errors.ts'
import { fromNodeError } from '../../node-errors.ts'

export interface OpenFile {
  readonly path: string
  readonly handle: FileHandle
  readonly before: BigIntStats
}

export async function openFile(path: string): Promise<OpenFile> {
  const handle = await open(path, 'r').catch((error: unknown) => {
    throw fromNodeError(error, `reading ${path}`)
  })
  try {
    const before = await handle.stat({ bigint: true })
    if (!before.isFile()) throw notAFile(path)
    return { path, handle, before }
  } catch (error) {
    await handle.close()
    throw fromNodeError(error, `reading ${path}`)
  }
}

export function notAFile(path: string): HoldfastError {
  return new HoldfastError('INVALID_ARGUMENT', `${path} is not a regular file.`)
}

export async function refuseChanged(file: OpenFile): Promise<void> {
  const after = await statsOf(file)
  if (after.size === file.before.size && after.mtimeNs === file.before.mtimeNs) return
  const sizes = after.size - file.before.size
  throw changed(file.path, sizes > 0n ? 'grew' : sizes < 0n ? 'shrank' : 'changed')
}

async function statsOf({ path, handle }: OpenFile): Promise<BigIntStats> {
  try {
    return await handle.stat({ bigint: true })
  } catch (error) {
    throw fromNodeError(error, `reading ${path}`)
  }
}

/** A file that changes while it is read may mix two states. A file that grows may be half a checkpoint. */
export function changed(path: string, how: 'grew' | 'shrank' | 'changed'): HoldfastError {
  return new HoldfastError(
    'INVALID_ARGUMENT',
    `${path} ${how} during the save. Nothing was saved. Save it again once its writer has finished.`,
    { hint: { kind: 'exclude', name: basename(path) } },
  )
}

/** The bytes to read from a file, and the buffers to read into. */
interface FileRange {
  readonly start: number
  readonly end: number
  readonly chunkBytes: number
  readonly bufferOf: (bytes: number) => Uint8Array
}

/** Reads a file up to `end`, one chunk ahead of the consumer. The caller checks afterwards whether the file grew. */
export async function* fileChunks(
  file: OpenFile,
  { start, end, chunkBytes, bufferOf }: FileRange,
): AsyncGenerator<Uint8Array> {
  const read = (position: number): Promise<Uint8Array> =>
    readFully(file, bufferOf(Math.min(chunkBytes, end - position)), position)
  let ahead = read(start)
  try {
    for (let position = start; ; position += chunkBytes) {
      const chunk = await ahead
      const isLast = chunk.byteLength < chunkBytes || position + chunkBytes >= end
      if (!isLast) {
        ahead = read(position + chunkBytes)
        ahead.catch(() => undefined) // the next iteration awaits it, unless the consumer has left
      }
      if (chunk.byteLength > 0) yield chunk
      if (isLast) return
    }
  } finally {
    await ahead.catch(() => undefined) // the read uses its buffer until it ends
  }
}

async function readFully(file: OpenFile, buffer: Uint8Array, position: number): Promise<Uint8Array> {
  let filled = 0
  try {
    while (filled < buffer.byteLength) {
      const { bytesRead } = await file.handle.read(
        buffer,
        filled,
        buffer.byteLength - filled,
        position + filled,
      )
      if (bytesRead === 0) break
      filled += bytesRead
    }
  } catch (error) {
    throw fromNodeError(error, `reading ${file.path}`)
  }
  return buffer.subarray(0, filled)
}
