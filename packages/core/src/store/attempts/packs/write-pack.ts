import type { CheckpointBackend, PutResult } from '../../../backend/index.ts'
import { putAhead } from '../../../backend/write-ahead.ts'
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
  /** Called with the files, as a manifest lists them, when their object has its name. It may not be durable yet. */
  readonly onVisible: (files: readonly ManifestFile[]) => void
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
  { signal, finite, pace, onProgress, onVisible }: PackOptions,
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
  const source = packedSource(files, { observe, onFile }, signal)
  const put = await putAhead(backend, objectKey(attempt, object), source, {
    size: files.reduce((sum, { size }) => sum + size, 0),
    signal,
    pace,
    onProgress,
    onVisible: (visible) => {
      onVisible(listedPack(stored, visible))
    },
  })
  return listedPack(stored, put)
}

/** Returns the files of a pack with what the store says of the pack, which is noted once. */
function listedPack(
  [first, ...others]: readonly ManifestFile[],
  { size, sha256, revision, storeDigest }: PutResult,
): readonly ManifestFile[] {
  if (first === undefined) return []
  const ofPack = {
    revision,
    ...(storeDigest === undefined ? {} : { storeDigest: { ...storeDigest } }),
    pack: { size, sha256 },
  }
  return [{ ...first, ...ofPack }, ...others]
}
