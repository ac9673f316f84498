import type { BackendCapabilities } from '../../backend/index.ts'
import type { ManifestFile } from '../../catalog/documents/index.ts'
import type { PackMode } from '../pack-mode.ts'

/** An object of a copy: a file, or a pack with all files that are in it. */
export type ObjectToCopy = FileToCopy | PackToCopy

interface FileToCopy {
  readonly kind: 'file'
  /** The file as the source has it, which may be in a pack. */
  readonly file: ManifestFile
}

interface PackToCopy {
  readonly kind: 'pack'
  /** The pack, described as a file of its own. Its name is that of its object. */
  readonly file: ManifestFile
  /** The files in the pack, in the order of their bytes. Together they are the whole pack. */
  readonly files: readonly ManifestFile[]
}

type Packed = ManifestFile & { readonly offset: number }

/**
 * Returns the objects that a copy stores. A destination that stores small files together gets the packs of the source as they
 * are. Every other one gets each file as an object of its own, also one that may not have objects as large as a pack. All
 * copiers of an attempt store the same bytes under the same names.
 */
export function objectsToCopy(
  files: readonly ManifestFile[],
  mode: PackMode,
  {
    requestPerObject = false,
    maxObjectBytes,
  }: Pick<BackendCapabilities, 'requestPerObject' | 'maxObjectBytes'>,
): readonly ObjectToCopy[] {
  const keepsPacks = mode === 'always' || (mode === 'auto' && requestPerObject)
  const packs = keepsPacks ? wholePacks(files).filter(({ file }) => file.size <= maxObjectBytes) : []
  const packed = new Set(packs.flatMap((pack) => pack.files))
  return [
    ...packs,
    ...files.flatMap((file): readonly FileToCopy[] => (packed.has(file) ? [] : [{ kind: 'file', file }])),
  ]
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
    return [{ kind: 'pack', file, files: inOrder } as const]
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
