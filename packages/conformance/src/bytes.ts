import { createHash } from 'node:crypto'

/** Returns pseudo-random bytes that depend only on size and seed. Parts in the wrong order change the digest. */
export function patterned(size: number, seed = 1): Uint8Array {
  const bytes = Buffer.allocUnsafe(size)
  let state = (seed * 2_654_435_761) >>> 0 || 1
  for (let index = 0; index < size; index += 1) {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    bytes[index] = state & 0xff
  }
  return bytes
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

/** Returns all bytes of a stream. */
export async function collect(stream: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  for await (const chunk of stream) chunks.push(chunk)
  return Buffer.concat(chunks)
}

/** Yields the bytes in chunks of irregular sizes. The stream does not announce its length. */
export async function* oddChunks(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  let size = 1
  for (let start = 0; start < bytes.byteLength; start += size, size = (size * 7 + 3) % 100_003) {
    yield bytes.subarray(start, start + size)
  }
}

/** Yields the bytes in chunks that share one buffer. Each chunk is overwritten when the next one is requested. */
export async function* inOneBuffer(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  const buffer = new Uint8Array(50_021)
  for (let start = 0; start < bytes.byteLength; start += buffer.byteLength) {
    const chunk = bytes.subarray(start, start + buffer.byteLength)
    buffer.set(chunk)
    yield buffer.subarray(0, chunk.byteLength)
    buffer.fill(0)
  }
}

/** Yields the bytes once. When more bytes are requested, calls `onHanging` and never yields again. */
export async function* hangingAfter(bytes: Uint8Array, onHanging: () => void): AsyncGenerator<Uint8Array> {
  yield bytes
  onHanging()
  await new Promise<never>(() => undefined)
}

/** Returns a stream that yields the first bytes, pauses, and yields the rest after `resume` is called. */
export function pausingSource(
  first: Uint8Array,
  rest: Uint8Array,
): {
  readonly source: AsyncIterable<Uint8Array>
  /** Resolves when the reader has taken the first bytes and requests more. */
  readonly paused: Promise<void>
  readonly resume: () => void
} {
  const paused = Promise.withResolvers<undefined>()
  const resumed = Promise.withResolvers<undefined>()
  async function* chunks(): AsyncGenerator<Uint8Array> {
    yield first
    paused.resolve(undefined)
    await resumed.promise
    yield rest
  }
  const resume = (): void => {
    resumed.resolve(undefined)
  }
  return { source: chunks(), paused: paused.promise, resume }
}
