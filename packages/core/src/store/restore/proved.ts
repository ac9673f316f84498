import { type CheckpointBackend, chunksOf } from '../../backend/index.ts'
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
  const body = await readListed(backend, attempt, file, signal)
  const proof = new Proof(backend, attempt, file)
  return body.pipeThrough(
    new TransformStream<Uint8Array, Uint8Array>({
      transform(chunk, controller) {
        proof.take(chunk)
        controller.enqueue(chunk)
      },
      flush() {
        proof.end()
      },
    }),
  )
}

/** The same for whoever uses each chunk at once: one may be used until the one after it has been used, too. */
export async function provedChunks(
  backend: CheckpointBackend,
  attempt: AttemptId,
  file: ManifestFile,
  signal: AbortSignal | undefined,
): Promise<AsyncIterable<Uint8Array>> {
  const body = await readListed(backend, attempt, file, signal)
  return proved(chunksOf(body, file.size), new Proof(backend, attempt, file))
}

async function* proved(chunks: AsyncIterable<Uint8Array>, proof: Proof): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    proof.take(chunk)
    yield chunk
  }
  proof.end()
}

/** Compares what passes with what the manifest says of a file. Throws `CORRUPT` where it differs. */
class Proof {
  readonly #backend: CheckpointBackend
  readonly #key: string
  readonly #file: ManifestFile
  readonly #digest = new StreamingDigest()

  constructor(backend: CheckpointBackend, attempt: AttemptId, file: ManifestFile) {
    this.#backend = backend
    this.#key = fileKey(attempt, file.name)
    this.#file = file
  }

  take(chunk: Uint8Array): void {
    this.#digest.update(chunk)
    if (this.#digest.bytes > this.#file.size) this.#refuse('is longer than what was saved')
  }

  end(): void {
    const { size, sha256 } = this.#file
    if (this.#digest.bytes < size) this.#refuse(`is cut short: ${this.#digest.bytes} of ${size} bytes`)
    if (this.#digest.sha256() !== sha256) this.#refuse('differs from what was saved')
  }

  #refuse(what: string): never {
    throw corrupt(this.#backend, this.#key, `${this.#file.name} ${what}`)
  }
}

async function readListed(
  backend: CheckpointBackend,
  attempt: AttemptId,
  file: ManifestFile,
  signal: AbortSignal | undefined,
): Promise<ReadableStream<Uint8Array>> {
  const key = fileKey(attempt, file.name)
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
