import { inTurn, newBuffer } from './buffers.ts'
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
  yield* inChunks(object, size, { largest: chunkBytes, received: receivedBytes, allocate })
}

/** Reads at most `size` bytes of a body into memory. Returns fewer if the body is shorter. */
export async function bytesOf(object: Body, size: number): Promise<Uint8Array> {
  let bytes: Uint8Array = new Uint8Array()
  let filled = 0
  // A chunk has room for the whole body, so usually there is only one.
  for await (const chunk of inChunks(object, size, { largest: size, received: size })) {
    const part = chunk.subarray(0, size - filled)
    if (filled === 0) bytes = part
    else {
      if (bytes.byteLength === filled) bytes = withRoom(bytes, size)
      bytes.set(part, filled)
    }
    filled += part.byteLength
  }
  return bytes.subarray(0, filled)
}

/** Copies bytes to the start of a buffer of `size` bytes. */
function withRoom(bytes: Uint8Array, size: number): Uint8Array {
  const copy = newBuffer(size)
  copy.set(bytes)
  return copy
}

interface ChunkOptions {
  /** The largest chunk in bytes. */
  readonly largest: number
  /** The largest chunk in bytes if this thread receives the body into it. */
  readonly received: number
  readonly allocate?: ((bytes: number) => Uint8Array) | undefined
}

async function* inChunks(
  object: Body,
  size: number,
  { largest, received, allocate }: ChunkOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  const bufferBytes = Math.max(1, Math.min(largest, size))
  if (object.body instanceof ObjectStream) {
    const most = object.body.inThreads ? largest : received
    yield* object.body.chunks(Math.min(bufferBytes, most), allocate ?? newBuffer)
    return
  }
  const reader = byteReader(object.body)
  if (reader === undefined) yield* gathered(object, bufferBytes, allocate)
  else yield* readInto(reader, bufferBytes, size)
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

/**
 * Uses up to three buffers in turns: the consumer may use two, and the third is read into. Touching new memory costs as much
 * time as the read itself, so a body of one chunk gets one buffer.
 */
async function* readInto(
  reader: ReadableStreamBYOBReader,
  bufferBytes: number,
  size: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  let left = size
  const idle: ArrayBuffer[] = []
  const readNext = (): ReturnType<typeof reader.read<Uint8Array<ArrayBuffer>>> => {
    // A byte of room shows that a body is longer than expected.
    const bytes = Math.max(1, Math.min(bufferBytes, left))
    const next = reader.read(new Uint8Array(idle.shift() ?? Buffer.allocUnsafeSlow(bytes).buffer))
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
      left -= value.byteLength
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
  const nextBuffer = inTurn({ ring: 2, allocate: allocate ?? newBuffer })
  let filling: Uint8Array | undefined
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
      filling ??= nextBuffer(bufferBytes)
      filling.set(part, filled)
      filled += part.byteLength
      if (filled < bufferBytes) continue
      yield filling
      filling = undefined
      filled = 0
    }
    if (detachable && isCopied) release(piece)
  }
  if (filling !== undefined) yield filling.subarray(0, filled)
}

/**
 * Frees the memory of a piece, unless other pieces share it. Leaving it to the garbage collector is slow: V8 marks the
 * whole heap again for every few dozen MiB of memory outside of it.
 */
export function release({ buffer, byteLength }: Uint8Array): void {
  if (buffer instanceof ArrayBuffer && byteLength === buffer.byteLength) buffer.transfer(0)
}
