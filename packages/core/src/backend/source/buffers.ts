/** How many buffers go round, and where they come from. */
export interface Buffers {
  readonly ring: number
  readonly allocate: (bytes: number) => Uint8Array
}

/** A buffer for so many bytes: a new one with each call. */
export function newBuffer(bytes: number): Uint8Array {
  return Buffer.allocUnsafeSlow(bytes)
}

/** The same few buffers, one after the other: as large as the first bytes that are asked for. */
export function inTurn({ ring, allocate }: Buffers): (bytes: number) => Uint8Array {
  const buffers: Uint8Array[] = []
  let given = 0
  return (bytes) => {
    const buffer = (buffers[given % ring] ??= allocate(bytes))
    given += 1
    return buffer.subarray(0, bytes)
  }
}

export function* slices(bytes: Uint8Array, chunkBytes: number): Generator<Uint8Array> {
  for (let start = 0; start < bytes.byteLength; start += chunkBytes)
    yield bytes.subarray(start, start + chunkBytes)
}

/** Copies chunks, none of which is longer than the first, into a ring of buffers. */
export function* copies(chunks: Iterable<Uint8Array>, { ring, allocate }: Buffers): Generator<Uint8Array> {
  const buffers: Uint8Array[] = []
  let index = 0
  for (const chunk of chunks) {
    const buffer = (buffers[index % ring] ??= allocate(chunk.byteLength))
    buffer.set(chunk)
    yield buffer.subarray(0, chunk.byteLength)
    index += 1
  }
}
