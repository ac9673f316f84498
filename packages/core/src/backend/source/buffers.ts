/** A ring of buffers that are reused: their number, and how to allocate one. */
export interface Buffers {
  readonly ring: number
  readonly allocate: (bytes: number) => Uint8Array
}

/** Returns a new buffer. */
export function newBuffer(bytes: number): Uint8Array {
  return Buffer.allocUnsafeSlow(bytes)
}

/** Returns a function that hands out the buffers of a ring in turn. The first request sets the size of each buffer. */
export function inTurn({ ring, allocate }: Buffers): (bytes: number) => Uint8Array {
  const buffers: Uint8Array[] = []
  let given = 0
  return (bytes) => {
    const buffer = (buffers[given % ring] ??= allocate(bytes))
    given += 1
    return buffer.subarray(0, bytes)
  }
}

/** Yields views of the bytes. */
export function* slices(bytes: Uint8Array, chunkBytes: number): Generator<Uint8Array> {
  for (let start = 0; start < bytes.byteLength; start += chunkBytes)
    yield bytes.subarray(start, start + chunkBytes)
}

/** Copies chunks into a ring of buffers. No chunk may be longer than the first. */
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
