import { type CheckpointBackend, chunksOf, type ReadableObject } from '../../backend/index.ts'
import { HoldfastError, isHoldfastError } from '../../errors.ts'
import { ConcurrentDigest, sha256Hex, StreamingDigest } from '../../integrity/index.ts'
import {
  type AttemptId,
  type CatalogEntry,
  decodeManifest,
  type Manifest,
  type ManifestFile,
  manifestKey,
  objectKey,
} from '../../catalog/documents/index.ts'
import type { PayloadReader } from './payload-reader.ts'
import { readIfThere } from '../../catalog/documents/read-document.ts'
import { type Look, withSecondLook } from '../../async/second-look.ts'

/**
 * Returns the manifest of an entry, verified by the digest in the catalog. Rejects with `CORRUPT` if it is missing or
 * different.
 */
export async function verifiedManifest(
  backend: CheckpointBackend,
  entry: CatalogEntry,
  signal: AbortSignal | undefined,
): Promise<Manifest> {
  return (await readManifest(backend, entry, signal)).manifest
}

/** Returns the manifest of an entry with the size of the document in bytes. */
export async function readManifest(
  backend: CheckpointBackend,
  entry: CatalogEntry,
  signal: AbortSignal | undefined,
): Promise<{ readonly manifest: Manifest; readonly size: number }> {
  const attempt = entry.attempt
  const key = manifestKey(attempt)
  return withSecondLook(async (look) => {
    const bytes = await readIfThere(backend, key, signal, look)
    if (bytes === undefined) throw corrupt(backend, key, 'the manifest is missing')
    if (sha256Hex(bytes) !== entry.manifest.sha256) {
      throw corrupt(backend, key, 'the manifest differs from the saved one')
    }
    return { manifest: decodeManifest(bytes, attempt), size: bytes.byteLength }
  })
}

/**
 * Returns the bytes of a file as a stream. The stream ends only if size and SHA-256 match the manifest. Otherwise it
 * fails with `CORRUPT`, and the bytes that it yielded must not be used.
 */
export async function verifiedFile(
  backend: PayloadReader,
  attempt: AttemptId,
  file: ManifestFile,
  signal: AbortSignal | undefined,
  look: Look = 1,
): Promise<ReadableStream<Uint8Array>> {
  const { body } = await readListed(backend, attempt, file, signal, look)
  const expected = new ExpectedFile(backend, attempt, file)
  const digest = new StreamingDigest()
  return body.pipeThrough(
    new TransformStream<Uint8Array, Uint8Array>({
      transform(chunk, controller) {
        digest.update(chunk)
        expected.refuseLonger(digest.bytes)
        controller.enqueue(chunk)
      },
      flush() {
        expected.refuseOther(digest.bytes, digest.sha256())
      },
    }),
  )
}

/**
 * Yields the bytes of a file to a consumer that uses each chunk at once. A chunk stays valid until the next chunk has
 * been used.
 */
export async function verifiedChunks(
  backend: PayloadReader,
  attempt: AttemptId,
  file: ManifestFile,
  signal: AbortSignal | undefined,
  look: Look = 1,
): Promise<AsyncIterable<Uint8Array>> {
  const object = await readListed(backend, attempt, file, signal, look)
  return verified(object, file, new ExpectedFile(backend, attempt, file))
}

/**
 * Yields the bytes of a file to a consumer that computes their digest itself. Fails with `CORRUPT` if they are fewer or more.
 * A chunk stays valid until the next chunk has been used.
 */
export async function unverifiedChunks(
  backend: PayloadReader,
  attempt: AttemptId,
  file: ManifestFile,
  signal: AbortSignal | undefined,
): Promise<AsyncIterable<Uint8Array>> {
  const object = await readListed(backend, attempt, file, signal)
  return ofSize(chunksOf(object, file.size), new ExpectedFile(backend, attempt, file))
}

async function* ofSize(
  chunks: AsyncIterable<Uint8Array>,
  expected: ExpectedFile,
): AsyncGenerator<Uint8Array> {
  let bytes = 0
  for await (const chunk of chunks) {
    bytes += chunk.byteLength
    expected.refuseLonger(bytes)
    yield chunk
  }
  expected.refuseShorter(bytes)
}

async function* verified(
  object: Body,
  { size }: ManifestFile,
  expected: ExpectedFile,
): AsyncGenerator<Uint8Array> {
  const digest = new ConcurrentDigest(size)
  const chunks = chunksOf(object, size, digest.inThread ? digest.allocate : undefined)
  for await (const chunk of digest.passing(chunks)) {
    expected.refuseLonger(digest.bytes)
    yield chunk
  }
  expected.refuseOther(digest.bytes, digest.sha256())
}

/** Throws `CORRUPT` if the bytes of a whole file do not match the manifest. */
export function refuseOtherBytes(
  backend: PayloadReader,
  attempt: AttemptId,
  file: ManifestFile,
  bytes: Uint8Array,
): void {
  new ExpectedFile(backend, attempt, file).refuseOther(bytes.byteLength, sha256Hex(bytes))
}

/** Compares the bytes with the manifest. Throws `CORRUPT` if they differ. */
class ExpectedFile {
  readonly #backend: PayloadReader
  readonly #key: string
  readonly #file: ManifestFile

  constructor(backend: PayloadReader, attempt: AttemptId, file: ManifestFile) {
    this.#backend = backend
    this.#key = objectKey(attempt, file.object)
    this.#file = file
  }

  refuseLonger(bytes: number): void {
    if (bytes > this.#file.size) this.#refuse('is longer than what was saved')
  }

  /** Must be called after the last chunk. */
  refuseShorter(bytes: number): void {
    if (bytes < this.#file.size) this.#refuse(`is truncated: ${bytes} of ${this.#file.size} bytes`)
  }

  /** Must be called after the last chunk. */
  refuseOther(bytes: number, sha256: string): void {
    this.refuseShorter(bytes)
    if (sha256 !== this.#file.sha256) this.#refuse('differs from the saved file')
  }

  #refuse(what: string): never {
    throw corrupt(this.#backend, this.#key, `${this.#file.name} ${what}`)
  }
}

/**
 * Returns the bytes of a file from `start` to `end` (exclusive) as a stream. They are not verified. The stream fails with
 * `CORRUPT` if they are fewer or more.
 */
export async function readPart(
  backend: PayloadReader,
  attempt: AttemptId,
  file: ManifestFile,
  { start, end }: { readonly start: number; readonly end: number },
  signal: AbortSignal | undefined,
): Promise<ReadableStream<Uint8Array>> {
  if (start === end) return new Blob([]).stream()
  const { body } = await readListed(backend, attempt, file, signal, 1, { start, end }).catch(
    (error: unknown) => {
      // The range lies in the saved file. So the object that is stored is shorter.
      if (isHoldfastError(error, 'INVALID_ARGUMENT')) throw otherLength(backend, attempt, file)
      throw error
    },
  )
  let left = end - start
  return body.pipeThrough(
    new TransformStream<Uint8Array, Uint8Array>({
      transform(chunk, controller) {
        left -= chunk.byteLength
        if (left < 0) throw otherLength(backend, attempt, file)
        controller.enqueue(chunk)
      },
      flush() {
        if (left > 0) throw otherLength(backend, attempt, file)
      },
    }),
  )
}

function otherLength(backend: PayloadReader, attempt: AttemptId, file: ManifestFile): HoldfastError {
  return corrupt(
    backend,
    objectKey(attempt, file.object),
    `${file.name} has another size than what was saved`,
  )
}

/** The bytes of a file, wherever they are. */
type Body = Pick<ReadableObject, 'body' | 'detachable'>

function bodyOf(bytes: Uint8Array): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      if (bytes.byteLength > 0) controller.enqueue(bytes)
      controller.close()
    },
  })
}

async function readListed(
  backend: PayloadReader,
  attempt: AttemptId,
  { name, object, content, offset, size }: ManifestFile,
  signal: AbortSignal | undefined,
  look: Look = 1,
  part?: { readonly start: number; readonly end: number },
): Promise<Body> {
  const key = objectKey(attempt, object)
  if (content !== undefined)
    return { body: bodyOf(Buffer.from(content, 'base64').subarray(part?.start, part?.end)) }
  const { start, end } = part ?? { start: 0, end: size }
  const range = offset === undefined ? part : { start: offset + start, end: offset + end }
  try {
    return await backend.read(key, { newConnection: look === 2, range, signal })
  } catch (error) {
    if (isHoldfastError(error, 'NOT_FOUND')) throw corrupt(backend, key, `${name} is missing`)
    if (offset !== undefined && isHoldfastError(error, 'INVALID_ARGUMENT'))
      throw corrupt(backend, key, `${name} is missing: its pack ends before byte ${offset + start}`)
    throw error
  }
}

function corrupt(backend: PayloadReader, key: string, what: string): HoldfastError {
  return new HoldfastError('CORRUPT', what, { key, url: backend.url })
}
