import { createHash } from 'node:crypto'
import type { FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { concurrently } from '../../async/concurrently.ts'
import { throwIfAborted } from '../../errors.ts'
import { StreamingDigest } from '../../integrity/index.ts'
import { nodeErrorCode } from '../../node-errors.ts'
import { atDestination, ifThere } from '../destination-error.ts'
import { noLink } from './exchange.ts'
import type { LocalFileSystem } from '../file-system.ts'
import { type HiddenFolder, hiddenFoldersIn, restoreBehind } from './hidden-folder.ts'
import { type Exchange, isExchanging, newFile } from './journal.ts'

/** The facts by which a restored file is recognised. */
export interface KnownFile {
  readonly name: string
  readonly size: number
  readonly mode?: number | undefined
  readonly sha256?: string | undefined
}

/** Interrupted restores of the same files as this one. */
export interface EarlierRestores {
  /** See `identityOf`. */
  readonly identity: string | undefined
  /** Where their files are: at the destination if one of them has been completed, and in their hidden folders in any case. */
  readonly filesAt: 'destination' | 'hidden folders'
}

/** The file of a hidden folder that names what its restore delivers. */
const contentsName = 'contents'

const readBytes = 2 ** 20
const filesAtOnce = 4

/**
 * Returns the identity of what a restore delivers. Restores with the same identity write the same bytes to the same file of
 * their hidden folders. Returns `undefined` if the digest of a file is not known.
 */
export function identityOf(files: readonly KnownFile[]): string | undefined {
  if (files.some(({ sha256 }) => sha256 === undefined)) return undefined
  const facts = files.map(({ name, size, mode, sha256 }) => [name, size, mode, sha256])
  return createHash('sha256').update(JSON.stringify(facts)).digest('hex')
}

/** Records in a hidden folder what its restore delivers. */
export async function writeIdentity(
  fileSystem: LocalFileSystem,
  hidden: string,
  identity: string,
): Promise<void> {
  const handle = await fileSystem.open(join(hidden, contentsName), 'wx')
  try {
    await handle.writeFile(identity)
  } finally {
    await handle.close()
  }
}

/** Returns whether a hidden folder is that of a restore of the same files. */
export async function hasIdentity(
  fileSystem: LocalFileSystem,
  hidden: string,
  identity: string | undefined,
): Promise<boolean> {
  if (identity === undefined) return false
  return (await ifThere(() => fileSystem.readFile(join(hidden, contentsName), 'utf8'))) === identity
}

/**
 * Takes over the files that interrupted restores of the same files have written completely. Each is linked into the hidden
 * folder of this restore, read back, and made durable. A file with other bytes is not taken. Returns the inodes by the
 * index of the file.
 */
export async function takeOverFiles(
  { fileSystem, root, hidden }: Exchange,
  own: HiddenFolder,
  files: readonly KnownFile[],
  { identity, filesAt }: EarlierRestores,
  signal: AbortSignal | undefined,
): Promise<ReadonlyMap<number, string>> {
  const taken = new Map<number, string>()
  const takeFrom = async (
    pathOf: (index: number, file: KnownFile) => string,
    maximumLinks: number,
  ): Promise<void> => {
    await concurrently([...files.entries()], filesAtOnce, signal, async ([index, file], taskSignal) => {
      if (taken.has(index)) return
      const from = pathOf(index, file)
      const inode = await atDestination(`reading ${from}`, () =>
        takeOver(fileSystem, from, join(hidden, newFile(index)), file, maximumLinks, taskSignal),
      )
      if (inode !== undefined) taken.set(index, inode)
    })
  }
  // A file at the destination with a second link may be a file of the user elsewhere, which later writes would change.
  if (filesAt === 'destination') await takeFrom((_, { name }) => join(root, name), 1)
  for (const folder of await hiddenFoldersIn(fileSystem, root)) {
    if (folder.name === own.name || !(await hasIdentity(fileSystem, folder.path, identity))) continue
    if ((await restoreBehind(fileSystem, folder, own.madeAt)) === 'running') continue
    if (await isExchanging(fileSystem, folder.path)) continue
    await takeFrom((index) => join(folder.path, newFile(index)), Infinity)
  }
  return taken
}

async function takeOver(
  fileSystem: LocalFileSystem,
  from: string,
  to: string,
  { size, sha256 }: KnownFile,
  maximumLinks: number,
  signal: AbortSignal,
): Promise<string | undefined> {
  const stats = await ifThere(() => fileSystem.lstat(from))
  if (stats?.isFile() !== true || stats.size !== size || stats.nlink > maximumLinks) return undefined
  try {
    await fileSystem.link(from, to)
  } catch (error) {
    if (nodeErrorCode(error) === 'ENOENT' || noLink.has(nodeErrorCode(error) ?? '')) return undefined
    throw error
  }
  const handle = await fileSystem.open(to, 'r')
  try {
    if ((await digestOf(handle, signal)) === sha256) {
      await handle.sync()
      return String((await handle.stat({ bigint: true })).ino)
    }
  } finally {
    await handle.close()
  }
  await fileSystem.unlink(to)
  return undefined
}

async function digestOf(handle: FileHandle, signal: AbortSignal): Promise<string> {
  const digest = new StreamingDigest()
  const buffer = Buffer.allocUnsafeSlow(readBytes)
  for (;;) {
    throwIfAborted(signal, 'The restore')
    const { bytesRead } = await handle.read(buffer, 0, readBytes, digest.bytes)
    if (bytesRead === 0) return digest.sha256()
    digest.update(buffer.subarray(0, bytesRead))
  }
}
