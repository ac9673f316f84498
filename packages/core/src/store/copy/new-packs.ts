import type { BackendCapabilities } from '../../backend/index.ts'
import { compareKeys } from '../../backend/key.ts'
import type { ManifestFile } from '../../catalog/documents/index.ts'
import { sha256Hex } from '../../integrity/index.ts'
import { type PackLimits, planPacks } from '../attempts/packs/plan-packs.ts'
import { packObject } from '../attempts/packs/write-pack.ts'
import type { PackMode } from '../context/pack-mode.ts'

/** A pack that a copy makes of files that the source does not have together. */
export interface NewPack {
  readonly kind: 'new pack'
  /** Its object, which its files determine. So all copiers of an attempt store the same bytes under one name. */
  readonly name: string
  /** The size in bytes. */
  readonly size: number
  /** The files as the source has them, in the order of their bytes in the pack. */
  readonly files: readonly ManifestFile[]
}

/**
 * How many packs are sent at once. An interruption loses them. With `auto` they are mostly less than a tenth of what is packed;
 * with `always` a few packs may be all of it.
 */
export const newPacksAtOnce = 6

/** The number of packs of a copy, as far as the limits of their size allow. */
const packsOfCopy = 64

/** The limits of the size of a pack in bytes. With `always`, a pack has several files also if they are few. */
const [leastWithAlways, most] = [8 * 2 ** 20, 32 * 2 ** 20]

/**
 * Returns the packs that a copy makes of files that are not in a pack. With `auto` it makes none if the source is on a network:
 * the service may copy its objects without moving a byte.
 *
 * Packs of a copy are smaller than those of a save. An interrupted copy cannot continue inside of one, because its digest is
 * not known before it is stored.
 */
export function planNewPacks(
  files: readonly ManifestFile[],
  mode: PackMode,
  source: Pick<BackendCapabilities, 'requestPerObject'>,
  destination: PackLimits,
): readonly NewPack[] {
  if (mode === 'auto' && source.requestPerObject === true) return []
  const inOrder = files.toSorted((one, other) => compareKeys(one.name, other.name))
  const { packs } = planPacks(inOrder, mode, destination, (total) =>
    Math.min(most, Math.max(mode === 'always' ? leastWithAlways : 0, Math.ceil(total / packsOfCopy))),
  )
  return packs.filter((together) => together.length > 1).map(newPack)
}

function newPack(files: readonly ManifestFile[]): NewPack {
  const contents = files.map(({ name, size, sha256 }) => [name, size, sha256])
  const id = sha256Hex(Buffer.from(JSON.stringify(contents))).slice(0, 16)
  const size = files.reduce((sum, file) => sum + file.size, 0)
  return { kind: 'new pack', name: packObject('', id), size, files }
}

/**
 * Removes where and how a file is stored. Unknown members stay. The copy does not note a revision, because a second copier may
 * store the same bytes again.
 */
export function withoutPlace({ offset: _, content: __, pack: ___, ...file }: ManifestFile): ManifestFile {
  return withoutStore(file)
}

/** Removes what the store of the source says of a file. */
export function withoutStore({
  revision: _,
  storeDigest: __,
  sharedWith: ___,
  ...file
}: ManifestFile): ManifestFile {
  return file
}

/** Returns the files of a new pack as the manifest of the copy lists them, without what the store says of the pack. */
export function filesIn({ name: object, files }: NewPack): readonly ManifestFile[] {
  let end = 0
  return files.map((file) => {
    const offset = end
    end += file.size
    return { ...withoutPlace(file), object, offset }
  })
}
