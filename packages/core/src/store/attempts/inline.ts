import { concurrently } from '../../async/concurrently.ts'
import type { BackendCapabilities } from '../../backend/index.ts'
import { type ManifestFile, manifestName } from '../../catalog/documents/index.ts'
import { refuseOtherDigest } from './other-digest.ts'
import type { PackMode } from '../context/pack-mode.ts'
import type { MaybeSized, Sized, SizedFile } from './packs/plan-packs.ts'
import { readWhole } from './packs/whole-file.ts'
import type { FiniteRequirement } from './require-finite.ts'

/** A checkpoint whose files have fewer bytes together is stored in its manifest. */
const smallBelow = 2 ** 16

/** How many files are read at once. */
const filesAtOnce = 8

/** Returns the files if all of them are to be stored in the manifest, which saves requests; else `undefined`. */
export function planInline<File extends MaybeSized>(
  files: readonly File[],
  mode: PackMode,
  { requestPerObject = false }: Pick<BackendCapabilities, 'requestPerObject'>,
): readonly Sized<File>[] | undefined {
  if (mode !== 'auto' || !requestPerObject) return undefined
  const sized = files.filter((file): file is Sized<File> => file.size !== undefined)
  const bytes = sized.reduce((sum, { size }) => sum + size, 0)
  return sized.length === files.length && bytes < smallBelow ? sized : undefined
}

/** Reads small files, and returns them with their bytes, as a manifest lists them. */
export async function inlineFiles(
  files: readonly SizedFile[],
  {
    signal,
    finite,
  }: { readonly signal: AbortSignal | undefined; readonly finite: FiniteRequirement | undefined },
): Promise<readonly ManifestFile[]> {
  return concurrently(files, filesAtOnce, signal, async (file, taskSignal) => {
    const { name, size, mode } = file
    const tensors = finite?.of(name)
    const { chunks, sha256 } = await readWhole(file, { observer: tensors?.observe(), signal: taskSignal })
    refuseOtherDigest(name, sha256, file.sha256)
    tensors?.require(size)
    return { name, ...placeInManifest(chunks), size, sha256, ...(mode === undefined ? {} : { mode }) }
  })
}

/** Returns how a manifest states that it holds these bytes of a file. */
export function placeInManifest(chunks: readonly Uint8Array[]): Pick<ManifestFile, 'object' | 'content'> {
  return { object: manifestName, content: Buffer.concat(chunks).toString('base64') }
}
