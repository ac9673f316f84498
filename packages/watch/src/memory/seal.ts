import { type Snapshot, writtenState } from '../folder/snapshot.ts'

/**
 * The state of the files of a complete checkpoint. If the trainer overwrites the checkpoint in place, its last file changes
 * at the end. Until then, the folder mixes two saves. If the trainer deletes the checkpoint, its files
 * disappear one after another, and the remaining files are not a checkpoint.
 */
export interface Seal {
  /** The state of the file that the trainer writes last; `undefined` if there is no such file. */
  readonly marker: string | undefined
  /** The state of every other file, by its path below the checkpoint's folder. */
  readonly files: Readonly<Record<string, string>>
}

/** Files that do not grow after they are complete. Other ranks may still write other files after the marker. */
const neverGrows = /\.(safetensors|pt|pth|ckpt|keras|npz|h5|distcp)$/

/** `marker` is the path of the last file, if the trainer has one. */
export function sealOf({ files }: Snapshot, marker: string | undefined): Seal {
  const last = files.find(({ inside }) => inside === marker)
  const others = files.filter((file) => file !== last)
  return {
    marker: last?.identity,
    files: Object.fromEntries(others.map(({ inside, identity }) => [inside, identity])),
  }
}

export type Breach = 'written anew' | 'deleted'

/**
 * Returns what has happened to files since they were sealed, if the last file is the same. Added files may belong to another
 * rank. Without a last file, a changed file means a new save, and only deletions are a breach.
 */
export function breachOf(seal: Seal, now: Seal, wasAdopted: boolean): Breach | undefined {
  if (seal.marker !== now.marker) return undefined
  const before = Object.entries(seal.files)
  const isWrittenAnew = before.some(([inside, identity]) => {
    const found = now.files[inside]
    return found !== undefined && found !== identity && (wasAdopted || neverGrows.test(inside))
  })
  if (isWrittenAnew) return seal.marker === undefined ? undefined : 'written anew'
  // Before the adoption, a program may still delete its temporary files.
  return wasAdopted && before.some(([inside]) => now.files[inside] === undefined) ? 'deleted' : undefined
}

/**
 * Returns whether files were added since the seal, and no sealed file was written or deleted. Other owners, modes, links and
 * places are no writes.
 */
export function isExtended(seal: Seal, now: Seal): boolean {
  const isKept = (before: string, after: string | undefined): boolean =>
    after !== undefined && writtenState(before) === writtenState(after)
  const before = Object.entries(seal.files)
  return (
    (seal.marker === undefined || isKept(seal.marker, now.marker)) &&
    before.every(([inside, identity]) => isKept(identity, now.files[inside])) &&
    Object.keys(now.files).length > before.length
  )
}
