import type { CheckpointBackend } from '../../backend/index.ts'
import { HoldfastError, isHoldfastError } from '../../errors.ts'
import { sha256Hex, StreamingDigest } from '../../integrity/index.ts'
import {
  type AttemptId,
  type CatalogEntry,
  decodeManifest,
  fileKey,
  type Manifest,
  type ManifestFile,
  manifestKey,
} from '../documents/index.ts'
import { readIfThere } from '../read-object.ts'

/** The manifest of an entry, proved by the digest in the catalog. Rejects with `CORRUPT` when missing or different. */
export async function provedManifest(
  backend: CheckpointBackend,
  entry: CatalogEntry,
  signal: AbortSignal | undefined,
): Promise<Manifest> {
  const attempt = entry.attempt
  const key = manifestKey(attempt)
  const bytes = await readIfThere(backend, key, signal)
  if (bytes === undefined) throw corrupt(backend, key, 'the manifest is missing')
  if (sha256Hex(bytes) !== entry.manifest.sha256) {
    throw corrupt(backend, key, 'the manifest differs from what was saved')
  }
  return decodeManifest(bytes, attempt)
}

/**
 * The bytes of a file as they stream. The stream ends only if size and SHA-256 are those of the manifest; else
 * it fails with `CORRUPT`, and what it gave before must not be used.
 */
export async function provedFile(
  backend: CheckpointBackend,
  attempt: AttemptId,
  file: ManifestFile,
  signal: AbortSignal | undefined,
): Promise<ReadableStream<Uint8Array>> {
  const key = fileKey(attempt, file.name)
  const body = await readListed(backend, key, file, signal)
  const digest = new StreamingDigest()
  return body.pipeThrough(
    new TransformStream<Uint8Array, Uint8Array>({
      transform(chunk, controller) {
        digest.update(chunk)
        if (digest.bytes > file.size)
          throw corrupt(backend, key, `${file.name} is longer than what was saved`)
        controller.enqueue(chunk)
      },
      flush() {
        if (digest.bytes < file.size) {
          throw corrupt(backend, key, `${file.name} is cut short: ${digest.bytes} of ${file.size} bytes`)
        }
        if (digest.sha256() !== file.sha256)
          throw corrupt(backend, key, `${file.name} differs from what was saved`)
      },
    }),
  )
}

async function readListed(
  backend: CheckpointBackend,
  key: string,
  file: ManifestFile,
  signal: AbortSignal | undefined,
): Promise<ReadableStream<Uint8Array>> {
  try {
    return (await backend.read(key, { signal })).body
  } catch (error) {
    if (isHoldfastError(error, 'NOT_FOUND')) throw corrupt(backend, key, `${file.name} is missing`)
    throw error
  }
}

function corrupt(backend: CheckpointBackend, key: string, what: string): HoldfastError {
  return new HoldfastError('CORRUPT', what, { key, url: backend.url })
}
