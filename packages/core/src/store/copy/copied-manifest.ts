import { withSecondLook } from '../../async/second-look.ts'
import type { CheckpointBackend } from '../../backend/index.ts'
import {
  type AttemptId,
  type CatalogEntry,
  decodeManifest,
  encodeManifest,
  formatAfter,
  type Manifest,
  type ManifestFile,
  manifestKey,
  withFiles,
} from '../../catalog/documents/index.ts'
import { readIfThere } from '../../catalog/documents/read-document.ts'
import { HoldfastError, isHoldfastError } from '../../errors.ts'
import { hasSameFiles } from './identity.ts'

/** The manifest of a copy. Unknown members of the original stay. */
export function manifestOfCopy(
  original: Manifest,
  attempt: AttemptId,
  { step, order, origin, metrics }: CatalogEntry,
  files: readonly ManifestFile[],
): Manifest {
  const copied = {
    ...original,
    format: formatAfter('manifest', original.format),
    attempt,
    step,
    order,
    ...(origin === undefined ? {} : { origin }),
    metrics,
  }
  return withFiles(copied, files)
}

export interface PublishedManifest {
  readonly manifest: Manifest
  readonly bytes: Uint8Array
  /** When it was stored, by the clock of the store. */
  readonly storedAt: Date
}

/**
 * Creates the manifest of a copy if it is absent, and returns the manifest that the store holds: another copier may have
 * created a different one before. The response to the creation is not sufficient, because a proxy may have sent it. So the
 * manifest is read, unless the store shows the revision that the response names. Returns `undefined` if it is gone, since the
 * attempt was deleted. Rejects with `CORRUPT` if it is damaged or lists other files.
 */
export async function publishManifest(
  backend: CheckpointBackend,
  manifest: Manifest,
  signal: AbortSignal | undefined,
): Promise<PublishedManifest | undefined> {
  const key = manifestKey(manifest.attempt)
  const own = encodeManifest(manifest)
  let created: string | undefined
  try {
    await backend.commit(key, own, { signal, onCreated: (revision) => (created = revision) })
  } catch (error) {
    if (!isHoldfastError(error, 'OUTCOME_UNKNOWN')) throw error // reading it decides
  }
  const stat = await backend.stat(key, { signal })
  if (stat === undefined) return undefined
  const storedAt = stat.modifiedAt
  if (stat.revision === created && stat.size === own.byteLength) return { manifest, bytes: own, storedAt }
  const published = await withSecondLook(async (look) => {
    const bytes = await readIfThere(backend, key, signal, look)
    return bytes === undefined
      ? undefined
      : { manifest: decodeManifest(bytes, manifest.attempt), bytes, storedAt }
  })
  if (published === undefined || hasSameFiles(published.manifest, manifest)) return published
  throw new HoldfastError('CORRUPT', `${key} lists other files than the checkpoint that is copied.`, {
    key,
    url: backend.url,
  })
}
