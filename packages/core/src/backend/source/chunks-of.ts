import { newBuffer } from './buffers.ts'
import { ObjectStream } from './object-stream.ts'

/** A body. `detachable` is true if a reader may detach the memory of its chunks after their use. */
interface Body {
  readonly body: ReadableStream<Uint8Array>
  readonly detachable?: boolean | undefined
}

/** The largest chunk in bytes. */
const chunkBytes = 2 ** 20

/**
 * The size of a chunk in bytes if this thread receives the body into it. Receiving, hashing and writing overlap more often with
 * small chunks: beside other programs, a restore from MinIO took 0.7 times as long as with 1 MiB. The messages to the
 * hashing thread take 6 % more processor time.
 */
const receivedBytes = 2 ** 18

/**
 * The number of buffers that are reused: the consumer may use two, and the third is read into. Touching new memory
 * costs as much time as the read itself.
 */
const buffersInUse = 3

/**
 * Yields a body in chunks that are large enough for a write each. A chunk is valid until the consumer asks for the
 * second chunk after it, since few buffers are reused. A byte stream is read into these buffers, one chunk ahead. The
 * pieces of another stream are copied into them. `size` is the expected number of bytes. With `allocate`, every piece
 * is copied. Returning early cancels the body.
 */
export async function* chunksOf(
  object: Body,
  size: number,
  allocate?: (bytes: number) => Uint8Array,
): AsyncGenerator<Uint8Array, void, undefined> {
  const bufferBytes = Math.max(1, Math.min(chunkBytes, size))
  if (object.body instanceof ObjectStream) {
    const largest = object.body.inThreads ? chunkBytes : receivedBytes
    yield* object.body.chunks(Math.min(bufferBytes, largest), allocate ?? newBuffer)
    return
  }
  const reader = byteReader(object.body)
  if (reader === undefined) yield* gathered(object, bufferBytes, allocate)
  else yield* readInto(reader, bufferBytes)
}

/** Reads at most `size` bytes of a body into memory. Returns fewer if the body is shorter. */
export async function bytesOf(object: Body, size: number): Promise<Uint8Array> {
  const bytes = Buffer.allocUnsafeSlow(size)
  let filled = 0
  for await (const chunk of chunksOf(object, size)) {
    const part = chunk.subarray(0, size - filled)
    bytes.set(part, filled)
    filled += part.byteLength
  }
  return bytes.subarray(0, filled)
}

/** Returns `undefined` for a body that is not a byte stream. */
function byteReader(body: ReadableStream<Uint8Array>): ReadableStreamBYOBReader | undefined {
  try {
    return body.getReader({ mode: 'byob' })
  } catch (error) {
    // The only test that the Streams Standard offers: https://streams.spec.whatwg.org/#rs-get-reader.
    if (error instanceof TypeError) return undefined
    throw error
  }
}

async function* readInto(
  reader: ReadableStreamBYOBReader,
  bufferBytes: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  const idle = Array.from({ length: buffersInUse }, () => Buffer.allocUnsafeSlow(bufferBytes).buffer)
  const readNext = (): ReturnType<typeof reader.read<Uint8Array<ArrayBuffer>>> => {
    const next = reader.read(new Uint8Array(idle.shift() ?? new ArrayBuffer(bufferBytes)))
    next.catch(() => undefined) // thrown where it is awaited
    return next
  }
  const used: ArrayBuffer[] = []
  let ended = false
  try {
    let ahead = readNext()
    for (;;) {
      const { done, value } = await ahead
      if (done) {
        ended = true
        return
      }
      ahead = readNext()
      yield value
      used.push(value.buffer)
      idle.push(...used.splice(0, used.length - 1))
    }
  } catch (error) {
    ended = true
    throw error
  } finally {
    if (!ended) await reader.cancel()
  }
}

async function* gathered(
  { body, detachable = false }: Body,
  bufferBytes: number,
  allocate?: (bytes: number) => Uint8Array,
): AsyncGenerator<Uint8Array, void, undefined> {
  const bufferOf = allocate ?? newBuffer
  let [filling, used] = [bufferOf(bufferBytes), bufferOf(bufferBytes)]
  let filled = 0
  for await (const piece of body) {
    let isCopied = true
    for (let taken = 0; taken < piece.byteLength; ) {
      const part = piece.subarray(taken, taken + bufferBytes - filled)
      taken += part.byteLength
      if (part.byteLength === bufferBytes && allocate === undefined) {
        isCopied = false
        yield part
        continue
      }
      filling.set(part, filled)
      filled += part.byteLength
      if (filled < bufferBytes) continue
      yield filling
      filled = 0
      ;[filling, used] = [used, filling]
    }
    if (detachable && isCopied) release(piece)
  }
  if (filled > 0) yield filling.subarray(0, filled)
}

/**
 * Frees the memory of a piece, unless other pieces share it. Leaving it to the garbage collector is slow: V8 marks the
 * whole heap again for every few dozen MiB of memory outside of it.
 */
export function release({ buffer, byteLength }: Uint8Array): void {
  if (buffer instanceof ArrayBuffer && byteLength === buffer.byteLength) buffer.transfer(0)
}
