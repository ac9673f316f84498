import type { Snapshot } from '../folder/snapshot.ts'

/**
 * How a checkpoint's files looked when the file was there that its trainer writes last. If the trainer writes the checkpoint
 * anew in place, its files change first and the last one at the end: until then the folder is a mixture of two saves.
 */
export interface Seal {
  /** How the last file looked. */
  readonly marker: string
  /** How each other file looked, by its path from the checkpoint's folder. */
  readonly files: Readonly<Record<string, string>>
}

/** Files that do not grow once they are whole. Others may still be written by another rank after the marker. */
const neverGrows = /\.(safetensors|pt|pth|ckpt|keras|npz|h5|distcp)$/

/** `undefined` if the trainer has no last file. */
export function sealOf({ files }: Snapshot, marker: string | undefined): Seal | undefined {
  const last = files.find(({ inside }) => inside === marker)
  if (last === undefined) return undefined
  const others = files.filter((file) => file !== last)
  return {
    marker: last.identity,
    files: Object.fromEntries(others.map(({ inside, identity }) => [inside, identity])),
  }
}

/** Whether files were written anew, and the last one was not. Files that were added may be those of another rank. */
export function isBroken(seal: Seal, now: Seal, wasAdopted: boolean): boolean {
  if (seal.marker !== now.marker) return false
  return Object.entries(now.files).some(([inside, identity]) => {
    const before = seal.files[inside]
    return before !== undefined && before !== identity && (wasAdopted || neverGrows.test(inside))
  })
}
