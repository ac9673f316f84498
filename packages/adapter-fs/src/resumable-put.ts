import { createHash } from 'node:crypto'
import { type BigIntStats, constants, type Stats } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import {
  assertDigest,
  fieldOf,
  isHopelessPut,
  type PutOptions,
  type PutResult,
  type ReopenableSource,
  type ResumablePut,
  SourceReader,
  throwIfAborted,
} from '@holdfast/core/backend'
import { chunkBytes } from './chunk-bytes.ts'
import type { Disk } from './disk.ts'
import { failedWith, keyError } from './errors.ts'
import type { FileSystem } from './file-system.ts'
import { unlinkIfThere } from './if-there.ts'
import { publish } from './publish.ts'
import { createEmpty, modeInStore, throughTemporaryFile } from './temporary-file.ts'
import { type Written, writeFile } from './write-file.ts'

/** The options of a put that continues others. */
export type ResumableOptions = PutOptions & { readonly resume: ResumablePut }

/** A temporary file that an earlier put of the same bytes left. Its process may still write to it. */
interface Leftover {
  readonly path: string
  readonly stats: Stats
}

/**
 * Stores a source whose first bytes an earlier put may have left in a temporary file. They are copied into an own temporary
 * file, since the other process may still write to its file, and are hashed there. Only the rest of the source is read. If
 * the whole has another digest than announced, the source is read from its start.
 */
export async function putResumable(
  disk: Disk,
  key: string,
  source: ReopenableSource,
  options: ResumableOptions,
): Promise<PutResult> {
  const { fileSystem, names } = disk
  const tag = createHash('sha256').update(`${key}\n${options.resume.sha256}`).digest('hex').slice(0, 8)
  const temporary = names.temporary(names.path(key), tag)
  const leftovers = await leftoversOf(disk, key, tag)
  const [largest] = leftovers
    .filter(({ stats }) => stats.size <= (options.size ?? Infinity))
    .toSorted((one, other) => other.stats.size - one.stats.size)
  const stored =
    (await attempt(disk, key, temporary, source, largest, options)) ??
    (await attempt(disk, key, temporary, source, undefined, options))
  if (stored === undefined) throw new Error('A put without a leftover has a result')
  for (const leftover of leftovers) await removeUnchanged(fileSystem, leftover)
  return stored
}

/** Returns `undefined` if the bytes of the leftover were wrong or could not be read. */
async function attempt(
  disk: Disk,
  key: string,
  temporary: string,
  source: ReopenableSource,
  leftover: Leftover | undefined,
  options: ResumableOptions,
): Promise<PutResult | undefined> {
  const { fileSystem, names } = disk
  const { signal, resume, beforeVisible, onVisible } = options
  let resumedBytes = 0
  try {
    return await throughTemporaryFile(disk, key, {
      path: temporary,
      keepsAfter: (error) =>
        !isWrongLeftover(error) && !isHopelessPut(keyError(error, `Writing ${key}`, key, names.url)),
      create: async (path) => {
        const copied = leftover === undefined ? undefined : await copyLeftover(fileSystem, leftover, path)
        resumedBytes = copied?.bytes ?? 0
        return copied?.handle ?? (await createEmpty(fileSystem)(path))
      },
      write: (handle) => writeRest(handle, source, resumedBytes, options),
      beforeVisible,
      publish: async (path, written) => {
        if (resumedBytes > 0 && written.sha256 !== resume.sha256) throw new WrongLeftover()
        assertDigest(key, written, resume)
        throwIfAborted(signal, `The put of ${key}`, { key, url: names.url })
        const result = await publish(disk, key, path, written, {
          isStored: mayBeOfOtherPut,
          onVisible: (visible) => onVisible?.({ ...visible, resumedBytes }),
        })
        return { ...result, resumedBytes }
      },
    })
  } catch (error) {
    if (isWrongLeftover(error)) return undefined
    throw error
  }
}

/**
 * Another put of the same bytes may have taken the temporary file for the leftover of a dead process and removed it, which it
 * does once its own file has the name of the key.
 */
function mayBeOfOtherPut(found: BigIntStats, written: BigIntStats): boolean {
  return found.size === written.size
}

/** The bytes of a leftover cannot be read, or are not the first bytes of the source, or the source is wrong. */
class WrongLeftover extends Error {}

/** The reader of the source reports an error that occurs while it reads as the cause of its own. */
function isWrongLeftover(error: unknown): boolean {
  return error instanceof WrongLeftover || fieldOf(error, 'cause') instanceof WrongLeftover
}

async function leftoversOf(
  { fileSystem, names }: Disk,
  key: string,
  tag: string,
): Promise<readonly Leftover[]> {
  const folder = dirname(names.path(key))
  try {
    const children = (await fileSystem.readdir(folder)).filter((name) => names.isTemporary(name, tag))
    const found = await Promise.all(
      children.map(async (name) => {
        const path = join(folder, name)
        return { path, stats: await fileSystem.lstat(path) }
      }),
    )
    return found.filter(({ stats }) => stats.isFile())
  } catch (error) {
    if (failedWith(error, 'ENOENT', 'ENOTDIR')) return []
    throw error
  }
}

/** Returns `undefined` without a copy if the leftover is too small, is gone, cannot be read, or does not fit the disk twice. */
async function copyLeftover(
  fileSystem: FileSystem,
  { path: from, stats }: Leftover,
  to: string,
): Promise<{ readonly handle: FileHandle; readonly bytes: number } | undefined> {
  if (stats.size < chunkBytes) return undefined
  try {
    // As a clone, if the file system supports that.
    await fileSystem.copyFile(from, to, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE)
  } catch (error) {
    if (!failedWith(error, 'ENOENT', 'ENOSPC', 'EDQUOT', 'EACCES', 'EPERM', 'EIO')) throw error
    await unlinkIfThere(fileSystem, to)
    if (failedWith(error, 'ENOSPC', 'EDQUOT')) await unlinkIfThere(fileSystem, from)
    return undefined
  }
  await fileSystem.chmod(to, 0o600) // the leftover is read-only
  const handle = await fileSystem.open(to, 'r+')
  try {
    const copied = (await handle.stat()).size
    const bytes = Math.floor(copied / chunkBytes) * chunkBytes
    await handle.truncate(bytes)
    await fileSystem.chmod(to, modeInStore(stats.mode & 0o777))
    return { handle, bytes }
  } catch (error) {
    await handle.close()
    throw error
  }
}

/** Hashes the first `there` bytes of the file, writes the others of the source, and makes the file durable. */
async function writeRest(
  handle: FileHandle,
  source: ReopenableSource,
  there: number,
  options: ResumableOptions,
): Promise<Written> {
  const { size, signal, observe } = options
  await using reader = await SourceReader.open(
    { open: async () => continued(handle, there, source, signal) },
    { chunkBytes, chunksHeld: 1, size, observer: observe?.(), signal },
  )
  return await writeFile(handle, reader, there, options)
}

/** Yields the first bytes of a file, and the others of the source. */
async function* continued(
  handle: FileHandle,
  there: number,
  source: ReopenableSource,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array, void, undefined> {
  const buffer = Buffer.allocUnsafeSlow(chunkBytes)
  for (let position = 0; position < there; ) {
    const wanted = Math.min(chunkBytes, there - position)
    const { bytesRead } = await handle.read(buffer, 0, wanted, position).catch((cause: unknown) => {
      throw new WrongLeftover('It cannot be read', { cause })
    })
    if (bytesRead === 0) return
    yield buffer.subarray(0, bytesRead)
    position += bytesRead
  }
  yield* await source.open(there, signal)
}

/** A leftover that another process has written to since is in use. */
async function removeUnchanged(fileSystem: FileSystem, { path, stats }: Leftover): Promise<void> {
  try {
    const { size, mtimeMs } = await fileSystem.lstat(path)
    if (size === stats.size && mtimeMs === stats.mtimeMs) await unlinkIfThere(fileSystem, path)
  } catch (error) {
    if (!failedWith(error, 'ENOENT')) throw error
  }
}
