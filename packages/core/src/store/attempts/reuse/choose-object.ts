import type { AttemptId, Manifest, ManifestFile } from '../../../catalog/documents/index.ts'
import { isWholeObject } from '../whole-object.ts'

/** What identifies a file to save before its bytes are read. */
export interface FileToMatch {
  readonly name: string
  /** The size in bytes. Streams have none. */
  readonly size: number | undefined
  /** The permission bits. Only files have them. */
  readonly mode?: number | undefined
}

/** A stored file that may have the bytes of a file to save. */
export interface StoredTwin {
  readonly attempt: AttemptId
  readonly file: ManifestFile
  /** The attempt whose save wrote the bytes. */
  readonly writtenBy: AttemptId
}

/** A smaller file takes about as long to copy by a service as to send. */
const copiedFrom = 2 ** 20

/** Finds files of checkpoints by name. */
export type FilesOf = (manifest: Manifest) => ReadonlyMap<string, ManifestFile>

/** Returns the file of the latest checkpoint that a service may copy in place of a file to save. */
export function twinToCopy(
  file: FileToMatch,
  latest: Manifest | undefined,
  filesOf: FilesOf,
): StoredTwin | undefined {
  if (latest === undefined || (file.size ?? 0) < copiedFrom) return undefined
  const stored = twinIn(latest, file, filesOf)
  return stored && { attempt: latest.attempt, file: stored, writtenBy: latest.attempt }
}

/**
 * Returns the stored file whose bytes a file to save may share. `kept` are the checkpoints that stay after the save, the latest
 * first. Neighbours never share: the file is chosen from the latest checkpoint that has another physical copy than the latest
 * one, and one that is not taken. Without such a copy, the new file gets bytes of its own.
 */
export function twinToShare(
  file: FileToMatch,
  kept: readonly Manifest[],
  filesOf: FilesOf,
  isTaken: (writer: AttemptId) => boolean,
): StoredTwin | undefined {
  const [latest] = kept
  const wanted = latest && twinIn(latest, file, filesOf)
  if (latest === undefined || wanted === undefined || wanted.size === 0) return undefined
  const ofLatest = writerOf(latest, wanted)
  for (const manifest of kept) {
    const stored = twinIn(manifest, file, filesOf)
    if (stored?.sha256 !== wanted.sha256) continue
    const writtenBy = writerOf(manifest, stored)
    if (writtenBy !== ofLatest && !isTaken(writtenBy))
      return { attempt: manifest.attempt, file: stored, writtenBy }
  }
  return undefined
}

/** The file with the name, the size and the permission bits of a file to save, if it is an object of its own. */
function twinIn(
  manifest: Manifest,
  { name, size, mode }: FileToMatch,
  filesOf: FilesOf,
): ManifestFile | undefined {
  const stored = filesOf(manifest).get(name)
  const isTwin = stored !== undefined && stored.size === size && stored.mode === mode
  return isTwin && isWholeObject(stored) ? stored : undefined
}

function writerOf({ attempt }: Manifest, { sharedWith = attempt }: ManifestFile): AttemptId {
  return sharedWith
}
