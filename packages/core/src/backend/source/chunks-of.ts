/** A body, and whether nothing else refers to the memory of its chunks, so that they may be detached. */
interface Body {
  readonly body: ReadableStream<Uint8Array>
  readonly detachable?: boolean | undefined
}

/** The longest chunk that is asked for. */
const chunkBytes = 2 ** 20

/**
 * Buffers that go round: one that the consumer still uses, one that it has just been given, one that is read into.
 * Memory that is touched for the first time costs as much as the read itself.
 */
const buffersInUse = 3

/**
 * The bytes of a body in chunks that are worth a write each, for whoever uses each at once: a chunk may be used until
 * the one after it has been used, too, since they share a few buffers. A byte stream reads into these, one chunk
 * ahead; the pieces of any other are gathered in them. `size` is how many bytes are expected; where buffers are given,
 * every piece is copied into one. Whoever leaves early cancels the body.
 */
export async function* chunksOf(
  object: Body,
  size: number,
  allocate?: (bytes: number) => Uint8Array,
): AsyncGenerator<Uint8Array, void, undefined> {
  const bufferBytes = Math.max(1, Math.min(chunkBytes, size))
  const reader = byteReader(object.body)
  if (reader === undefined) yield* gathered(object, bufferBytes, allocate)
  else yield* readInto(reader, bufferBytes)
}

/** `undefined` for a body that brings buffers of its own. */
function byteReader(body: ReadableStream<Uint8Array>): ReadableStreamBYOBReader | undefined {
  try {
    return body.getReader({ mode: 'byob' })
  } catch (error) {
    if (error instanceof TypeError) return undefined // by the Streams Standard, the only way to know
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
  const newBuffer = allocate ?? ((bytes: number): Uint8Array => Buffer.allocUnsafeSlow(bytes))
  let [filling, used] = [newBuffer(bufferBytes), newBuffer(bufferBytes)]
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
    if (detachable && isCopied) giveBack(piece)
  }
  if (filled > 0) yield filling.subarray(0, filled)
}

/**
 * Frees the memory of a piece, unless other pieces are in it as well. Left to the garbage collector it costs dearly:
 * V8 marks the whole heap anew for every few dozen MiB outside of it.
 */
function giveBack({ buffer, byteLength }: Uint8Array): void {
  if (buffer instanceof ArrayBuffer && byteLength === buffer.byteLength) buffer.transfer(0)
}
