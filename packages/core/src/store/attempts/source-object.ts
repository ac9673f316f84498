import type { CheckpointBackend, SourceObject } from '../../backend/index.ts'
import { type AttemptId, type ManifestFile, objectKey } from '../../catalog/documents/index.ts'

/** Returns the object that is a file; `undefined` for a file in a pack or in a manifest. */
export function sourceObject(
  backend: CheckpointBackend,
  attempt: AttemptId,
  { object, offset, content, size, sha256, revision, storeDigest }: ManifestFile,
): SourceObject | undefined {
  if (offset !== undefined || content !== undefined) return undefined
  const verified = storeDigest?.origin === 'store' ? storeDigest : undefined
  return { backend, key: objectKey(attempt, object), size, sha256, revision, storeDigest: verified }
}
