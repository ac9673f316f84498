import { withSecondLook } from '../../async/second-look.ts'
import { concurrently } from '../../async/concurrently.ts'
import type { AttemptId, ManifestFile } from '../../catalog/documents/index.ts'
import { placeInManifest } from '../attempts/inline.ts'
import { AttemptReader } from '../attempts/packs/attempt-reader.ts'
import { payloadReader } from '../attempts/payload-reader.ts'
import type { StoreContext } from '../context/context.ts'
import type { CopiedFiles, CopyFilesOptions } from './copy-files.ts'
import { withoutPlace } from './new-packs.ts'

/**
 * Reads the files of a small checkpoint, and returns them as the manifest of the copy holds them. Stores nothing. Each file is
 * verified by the manifest of the source.
 */
export async function copyInline(
  source: StoreContext,
  from: AttemptId,
  files: readonly ManifestFile[],
  { signal, slots, onBytes }: CopyFilesOptions,
): Promise<CopiedFiles> {
  await using reader = new AttemptReader(payloadReader(source), from, files)
  let passed = 0
  const read = async (file: ManifestFile, taskSignal: AbortSignal): Promise<ManifestFile> => {
    const chunks = await withSecondLook(async (look) => {
      const copied: Uint8Array[] = []
      // A chunk is valid only until the next one.
      for await (const chunk of await reader.open(file, taskSignal, look)) copied.push(Uint8Array.from(chunk))
      return copied
    })
    passed += file.size
    onBytes(passed)
    return { ...withoutPlace(file), ...placeInManifest(chunks) }
  }
  const { smallObjectsAtOnce } = source.backend.capabilities
  const copied = await concurrently(files, smallObjectsAtOnce, signal, (file, taskSignal) =>
    slots.run(() => read(file, taskSignal)),
  )
  return { files: copied, bytesBefore: 0 }
}
