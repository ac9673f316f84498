/** The longest chunk that is asked for. */
const chunkBytes = 2 ** 20

/**
 * Buffers that go round: one that the consumer still uses, one that it has just been given, one that is read into.
 * Memory that is touched for the first time costs as much as the read itself.
 */
const buffersInUse = 3

/**
 * The bytes of a body, one read ahead of the consumer, for whoever uses each chunk at once: it may be used until
 * the one after it has been used, too. Where the body is a byte stream its chunks share a few buffers. `size` is
 * how many bytes are expected. Whoever leaves early cancels the body.
 */
export async function* chunksOf(
  body: ReadableStream<Uint8Array>,
  size: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  const reader = byteReader(body)
  if (reader === undefined) yield* body
  else yield* ringed(reader, Math.max(1, Math.min(chunkBytes, size)))
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

async function* ringed(
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
