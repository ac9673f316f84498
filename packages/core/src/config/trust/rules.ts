import type { PathPart } from './path-parts.ts'

/** The user that runs this process. */
export interface User {
  readonly uid: number
  /** Whether this user is the only member of a group. Called only for a group with write permission. */
  readonly isPrivateGroup: (gid: number) => boolean
}

/** The use of a file. Data is only parsed. Code runs, and can import any file beside it. */
export type Purpose = 'data' | 'code'

/** The reason why a file is not trusted, and the remedy. Both are sentences. */
export interface Distrust {
  readonly reason: string
  readonly remedy: string
}

const sticky = 0o1000
const writableByOthers = 0o002
const writableByGroup = 0o020

/**
 * Returns the reason why a file is not trusted, or `undefined` if it is trusted. `parts` are the parts of its path,
 * from the root down. Each part must belong to the user or to root, and only they may write to it, as in StrictModes of
 * OpenSSH. A private group of the user may have write permission, because it has by default on several Linux
 * distributions. In a sticky folder such as /tmp everybody can create files, but nobody can replace the files of the
 * user. So the path may contain such a folder, and data may be in it. Code must not be in it, because code imports
 * neighbouring files.
 */
export function distrustOf(parts: Iterable<PathPart>, user: User, purpose: Purpose): Distrust | undefined {
  let folder: PathPart | undefined
  let last: PathPart | undefined
  for (const part of parts) {
    const distrust = distrustOfPart(part, user)
    if (distrust !== undefined) return distrust
    if (part.kind === 'folder') folder = part
    last = part
  }
  if (last !== undefined && last.kind !== 'file') {
    return { reason: `${last.path} is not a regular file.`, remedy: 'Replace it with a regular file.' }
  }
  if (purpose === 'code' && folder !== undefined && whoElseWrites(folder, user) !== undefined) {
    return {
      reason: `Other users may create files in ${folder.path}, beside the code.`,
      remedy: 'Move it into a folder that only you can write to.',
    }
  }
  return undefined
}

function distrustOfPart(part: PathPart, user: User): Distrust | undefined {
  const { path, kind, mode, uid } = part
  if (uid !== user.uid && uid !== 0) {
    return {
      reason: `${path} belongs to the user ${uid}, and this process runs as ${user.uid}.`,
      remedy: `If it is yours, run: chown ${kind === 'link' ? '-h ' : ''}${user.uid} ${quoted(path)}`,
    }
  }
  // A link has no permissions of its own.
  if (kind === 'link' || (kind === 'folder' && (mode & sticky) !== 0)) return undefined
  const who = whoElseWrites(part, user)
  if (who === undefined) return undefined
  return {
    reason: `${who === 'group' ? `The group ${part.gid}` : 'Everyone'} may write to ${path}.`,
    remedy: `Run: chmod ${who === 'group' ? 'g-w' : 'go-w'} ${quoted(path)}`,
  }
}

function whoElseWrites({ mode, gid }: PathPart, { isPrivateGroup }: User): 'everyone' | 'group' | undefined {
  if ((mode & writableByOthers) !== 0) return 'everyone'
  return (mode & writableByGroup) !== 0 && !isPrivateGroup(gid) ? 'group' : undefined
}

/**
 * Returns the first part of a path that belongs to an untrusted user, or `undefined`. `holders` are the folders that
 * contain the running program. Their owners control the program already.
 */
export function foreignPart(
  parts: Iterable<PathPart>,
  owners: ReadonlySet<number>,
  holders: ReadonlySet<string>,
): PathPart | undefined {
  for (const part of parts) if (!holders.has(part.path) && !owners.has(part.uid)) return part
  return undefined
}

/** Quotes a path for a shell. */
function quoted(path: string): string {
  return /^[\w./@:+-]+$/.test(path) ? path : `'${path.replaceAll("'", String.raw`'\''`)}'`
}
