import { type CommitOutcome, HoldfastError } from '@holdfast/core/backend'
import type { Disk } from './disk.ts'
import { lstatIfThere, unlinkIfThere } from './if-there.ts'
import { refuseNonFile } from './not-a-file.ts'

/** A link that failed without an answer of the file system. */
export interface LostLink {
  readonly temporary: string
  readonly path: string
  /** The bytes of the temporary file, which no other file has. */
  readonly bytes: Uint8Array
  readonly error: unknown
  readonly details: { readonly key: string; readonly url: string }
}

/**
 * Returns the outcome of a link that failed without an answer. On a soft mount of NFS, the request may still be on its way:
 * https://man7.org/linux/man-pages/man5/nfs.5.html. So the temporary file is removed first, since no link to a removed file can
 * be created. Then the file at the key shows the outcome. Rejects with the error of the link if the key is absent, and with
 * `OUTCOME_UNKNOWN` if one of the steps fails.
 */
export async function settleLostLink(disk: Disk, link: LostLink): Promise<CommitOutcome> {
  const { fileSystem } = disk
  const { temporary, path, bytes, error, details } = link
  let outcome: CommitOutcome | 'absent'
  try {
    await unlinkIfThere(fileSystem, temporary)
    outcome = await lookAt(disk, path, bytes)
  } catch (secondError) {
    throw unknownOutcome([error, secondError], details)
  }
  if (outcome === 'absent') throw error
  if (outcome === 'exists') await refuseNonFile(fileSystem, path, details)
  return outcome
}

async function lookAt(
  { fileSystem, openFlags }: Disk,
  path: string,
  bytes: Uint8Array,
): Promise<CommitOutcome | 'absent'> {
  const stats = await lstatIfThere(fileSystem, path)
  if (stats === undefined) return 'absent'
  if (!stats.isFile() || Number(stats.size) !== bytes.byteLength) return 'exists'
  const handle = await fileSystem.open(path, openFlags)
  try {
    return (await handle.readFile()).equals(bytes) ? 'created' : 'exists'
  } finally {
    await handle.close()
  }
}

/** Returns the error of a commit whose outcome could not be read after its link failed. */
export function unknownOutcome(
  causes: readonly unknown[],
  details: { readonly key: string; readonly url: string },
): HoldfastError {
  return new HoldfastError(
    'OUTCOME_UNKNOWN',
    `It is not known whether ${details.key} was created: the link failed, and its outcome could not be read.`,
    { ...details, cause: new AggregateError(causes) },
  )
}
