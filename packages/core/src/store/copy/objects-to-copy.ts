import type { BackendCapabilities } from '../../backend/index.ts'
import type { ManifestFile } from '../../catalog/documents/index.ts'
import type { PackLimits } from '../attempts/packs/plan-packs.ts'
import type { PackMode } from '../context/pack-mode.ts'
import { type NewPack, planNewPacks } from './new-packs.ts'

/** An object of a copy: a file, a pack of the source with all files that are in it, or a pack that the copy makes. */
export type ObjectToCopy = StoredObject | NewPack

/** An object whose digest the manifest of the source has. */
export type StoredObject = FileToCopy | PackToCopy

interface FileToCopy {
  readonly kind: 'file'
  /** The object of the copy, relative to the attempt. */
  readonly name: string
  /** The size in bytes. */
  readonly size: number
  /** The file as the source has it, which may be in a pack. */
  readonly file: ManifestFile
}

interface PackToCopy {
  readonly kind: 'pack'
  readonly name: string
  readonly size: number
  /** The pack, described as a file of its own. Its name is that of its object. */
  readonly file: ManifestFile
  /** The files in the pack, in the order of their bytes. Together they are the whole pack. */
  readonly files: readonly ManifestFile[]
}

type Packed = ManifestFile & { readonly offset: number }

/**
 * Returns the objects that a copy stores. A destination that stores small files together gets the packs of the source as they
 * are, and packs of other small files. Every other one gets each file as an object of its own, also one that may not have
 * objects as large as a pack. An object of an attempt with the same name has the same bytes, whichever copier stores it.
 */
export function objectsToCopy(
  files: readonly ManifestFile[],
  mode: PackMode,
  source: Pick<BackendCapabilities, 'requestPerObject'>,
  destination: PackLimits,
): readonly ObjectToCopy[] {
  const { requestPerObject = false, maxObjectBytes } = destination
  const keepsPacks = mode === 'always' || (mode === 'auto' && requestPerObject)
  const kept = keepsPacks ? wholePacks(files).filter(({ size }) => size <= maxObjectBytes) : []
  const others = without(files, kept)
  const made = planNewPacks(others, mode, source, destination)
  return [
    ...kept,
    ...made,
    ...without(others, made).map(
      (file) => ({ kind: 'file', name: file.name, size: file.size, file }) as const,
    ),
  ]
}

function without(
  files: readonly ManifestFile[],
  packs: readonly { readonly files: readonly ManifestFile[] }[],
): readonly ManifestFile[] {
  const packed = new Set(packs.flatMap((pack) => pack.files))
  return files.filter((file) => !packed.has(file))
}

/** Returns the packs of which the manifest describes every byte and the digest of the whole. */
function wholePacks(files: readonly ManifestFile[]): readonly PackToCopy[] {
  return [...Map.groupBy(files.filter(isPacked), ({ object }) => object)].flatMap(([object, together]) => {
    const inOrder = together.toSorted((one, other) => one.offset - other.offset)
    const described = inOrder.find(({ pack }) => pack !== undefined)
    if (described?.pack === undefined || !isWhole(inOrder, described.pack.size)) return []
    const { pack, revision, storeDigest } = described
    const { size, sha256 } = pack
    const file = { name: object, object, size, sha256, revision, storeDigest }
    return [{ kind: 'pack', name: object, size, file, files: inOrder } as const]
  })
}

/** Whether files follow each other without gaps from the beginning of a pack to its end. */
function isWhole(inOrder: readonly Packed[], size: number): boolean {
  let end = 0
  for (const file of inOrder) {
    if (file.offset !== end) return false
    end += file.size
  }
  return end === size
}

function isPacked(file: ManifestFile): file is Packed {
  return file.offset !== undefined
}
