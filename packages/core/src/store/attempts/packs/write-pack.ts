import type { CheckpointBackend } from '../../../backend/index.ts'
import { type AttemptId, type ManifestFile, objectKey } from '../../../catalog/documents/index.ts'
import type { Pace } from '../../../pacing/index.ts'
import { refuseOtherDigest } from '../other-digest.ts'
import type { FiniteRequirement } from '../require-finite.ts'
import type { Reuse } from '../reuse/reuse.ts'
import { packedSource } from './packed-source.ts'
import type { SizedFile } from './plan-packs.ts'

export interface PackOptions {
  readonly signal: AbortSignal
  readonly finite: FiniteRequirement | undefined
  readonly reuse: Reuse | undefined
  /** Limits how fast bytes are sent. */
  readonly pace: Pace | undefined
  /** Called with the number of bytes of the pack that are stored. */
  readonly onProgress: (bytes: number) => void
}

/** Returns the object of a pack below the folder of an attempt. No file has such a name. */
export function packObject(folder: string, pack: string): string {
  return `${folder}.holdfast/packs/${pack}`
}

/** Stores small files as one object, and returns them as a manifest lists them. */
export async function writePack(
  backend: CheckpointBackend,
  attempt: AttemptId,
  object: string,
  files: readonly SizedFile[],
  { signal, finite, pace, onProgress }: PackOptions,
): Promise<readonly ManifestFile[]> {
  const tensors = new Map(finite === undefined ? [] : files.map((file) => [file, finite.of(file.name)]))
  const stored: ManifestFile[] = []
  let offset = 0
  const onFile = (file: SizedFile, sha256: string): void => {
    const { name, size, mode } = file
    refuseOtherDigest(name, sha256, file.sha256)
    tensors.get(file)?.require(size)
    tensors.delete(file)
    stored.push({ name, object, offset, size, sha256, ...(mode === undefined ? {} : { mode }) })
    offset += size
  }
  const observe = (file: SizedFile) => tensors.get(file)?.observe()
  const {
    size: packSize,
    sha256: packDigest,
    revision,
    storeDigest,
  } = await backend.put(objectKey(attempt, object), packedSource(files, { observe, onFile }, signal), {
    size: files.reduce((sum, { size }) => sum + size, 0),
    signal,
    pace,
    onProgress,
  })
  const [first, ...others] = stored
  if (first === undefined) return []
  // What the store says of the pack is noted once.
  const ofPack = {
    revision,
    ...(storeDigest === undefined ? {} : { storeDigest: { ...storeDigest } }),
    pack: { size: packSize, sha256: packDigest },
  }
  return [{ ...first, ...ofPack }, ...others]
}
