import type { BackendCapabilities } from '../../../backend/index.ts'
import type { PlannedFile } from '../content.ts'
import type { PackMode } from '../../context/pack-mode.ts'

export type SizedFile = Sized<PlannedFile>

/** A file whose size is known. */
export type Sized<File> = File & { readonly size: number }

/** A file whose size may be known. */
export interface MaybeSized {
  readonly size: number | undefined
}

export interface PackPlan<File extends MaybeSized> {
  /** The files of each pack, in their order in the pack. */
  readonly packs: readonly (readonly Sized<File>[])[]
  /** The files that are stored as objects of their own. */
  readonly singles: readonly File[]
}

/** What decides on the packs of a backend. */
export type PackLimits = Pick<BackendCapabilities, 'requestPerObject' | 'maxObjectBytes' | 'maxBufferedBytes'>

/** Files of this size in bytes and larger gain little from a pack. */
const smallBelow = 2 ** 20

/** With `auto`, as many small files are still stored one by one. */
const fewFiles = 64

/** The most packs that are written at once, and the memory in bytes that all of them may hold. */
const mostPacksAtOnce = 4
const packMemory = 64 * 2 ** 20

/** The limits of the size of a pack in bytes, between which it depends on the total size. */
const leastPackBytes = 8 * 2 ** 20
const mostPackBytes = 4 * 2 ** 30

/**
 * Returns how many packs are written at once, so that a save holds little more memory than that of one large file. A backend
 * that may hold much for one object sends its parts at once, and needs no second pack.
 */
export function packsAtOnce({ maxBufferedBytes }: PackLimits): number {
  return Math.min(mostPacksAtOnce, Math.max(1, Math.floor(packMemory / maxBufferedBytes)))
}

/**
 * Returns the largest size in bytes of the packs of a save whose small files have `total` bytes. It has about as many packs as are
 * written at once: V8 is slow to free the buffers of earlier ones.
 */
function packBytesOfSave(total: number, capabilities: PackLimits): number {
  return Math.min(mostPackBytes, Math.max(leastPackBytes, Math.ceil(total / packsAtOnce(capabilities))))
}

/**
 * Decides which files are stored together, in packs of at most `packBytes`. The order of the files stays, so neighbours can be
 * read together.
 */
export function planPacks<File extends MaybeSized>(
  files: readonly File[],
  mode: PackMode,
  capabilities: PackLimits,
  packBytes: (total: number, capabilities: PackLimits) => number = packBytesOfSave,
): PackPlan<File> {
  const { requestPerObject = false, maxObjectBytes } = capabilities
  const small = files.filter((file) => isSmall(file))
  const isWorthIt =
    mode === 'always' ? small.length > 1 : mode === 'auto' && requestPerObject && small.length > fewFiles
  if (!isWorthIt) return { packs: [], singles: files }
  const total = small.reduce((sum, { size }) => sum + size, 0)
  return {
    packs: split(small, Math.min(packBytes(total, capabilities), maxObjectBytes)),
    singles: files.filter((file) => !isSmall(file)),
  }
}

/** Splits files into packs of at most `mostBytes`. */
function split<File extends Sized<MaybeSized>>(
  files: readonly File[],
  mostBytes: number,
): readonly (readonly File[])[] {
  const packs: File[][] = []
  let bytes = Infinity
  for (const file of files) {
    if (bytes + file.size > mostBytes) {
      packs.push([])
      bytes = 0
    }
    packs.at(-1)?.push(file)
    bytes += file.size
  }
  return packs
}

function isSmall<File extends MaybeSized>(file: File): file is Sized<File> {
  return file.size !== undefined && file.size < smallBelow
}
