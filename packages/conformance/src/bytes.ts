import { createHash } from 'node:crypto'

/** Bytes that look random and are the same each time, so that a mixed-up part is noticed. */
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

/** Everything that a stream gives. */
export async function collect(stream: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  for await (const chunk of stream) chunks.push(chunk)
  return Buffer.concat(chunks)
}

/** The bytes in chunks of odd and changing sizes, with no length told. */
export async function* oddChunks(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  let size = 1
  for (let start = 0; start < bytes.byteLength; start += size, size = (size * 7 + 3) % 100_003) {
    yield bytes.subarray(start, start + size)
  }
}

/** Gives some bytes, says so when it is asked for more, and then never gives anything again. */
export async function* hangingAfter(bytes: Uint8Array, onHanging: () => void): AsyncGenerator<Uint8Array> {
  yield bytes
  onHanging()
  await new Promise<never>(() => undefined)
}

/** A stream that gives the first bytes, and the rest when it is told to. */
export function inTwoGoes(
  first: Uint8Array,
  rest: Uint8Array,
): {
  readonly source: AsyncIterable<Uint8Array>
  /** Resolves once the first bytes are taken and more is asked for. */
  readonly halfWay: Promise<void>
  readonly goOn: () => void
} {
  const halfWay = Promise.withResolvers<undefined>()
  const told = Promise.withResolvers<undefined>()
  async function* goes(): AsyncGenerator<Uint8Array> {
    yield first
    halfWay.resolve(undefined)
    await told.promise
    yield rest
  }
  const goOn = (): void => {
    told.resolve(undefined)
  }
  return { source: goes(), halfWay: halfWay.promise, goOn }
}
