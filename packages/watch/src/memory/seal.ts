import type { Snapshot } from '../folder/snapshot.ts'

/**
 * How a checkpoint's files looked when it was complete. If the trainer writes the checkpoint anew in place, its files change
 * first and its last file at the end: until then the folder is a mixture of two saves. If the trainer deletes it, its files
 * vanish one after the other, and what is left is no checkpoint.
 */
export interface Seal {
  /** How the file looked that the trainer writes last; `undefined` if there is no such file. */
  readonly marker: string | undefined
  /** How each other file looked, by its path from the checkpoint's folder. */
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
 * Returns what happened to files since they were sealed, although the last file is the same. Files that were added may be
 * those of another rank. Without a last file, a changed file shows a new save, and only deletions are a breach.
 */
export function breachOf(seal: Seal, now: Seal, wasAdopted: boolean): Breach | undefined {
  if (seal.marker !== now.marker) return undefined
  const before = Object.entries(seal.files)
  const isWrittenAnew = before.some(([inside, identity]) => {
    const found = now.files[inside]
    return found !== undefined && found !== identity && (wasAdopted || neverGrows.test(inside))
  })
  if (isWrittenAnew) return seal.marker === undefined ? undefined : 'written anew'
  // Before the adoption, a program may still delete files that it needed only for a while.
  return wasAdopted && before.some(([inside]) => now.files[inside] === undefined) ? 'deleted' : undefined
}
