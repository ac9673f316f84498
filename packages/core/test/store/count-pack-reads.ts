import type { MemoryBackend } from '../../src/index.ts'

/** The reads of packs. */
export interface PackReads {
  bytes: number
  reads: number
  /** The largest number of reads that were under way at once. */
  most: number
}

/** Counts the bytes that are read from the packs of a backend, and the reads. */
export function countPackReads(backend: MemoryBackend): PackReads {
  const counted = { bytes: 0, reads: 0, most: 0 }
  let underWay = 0
  const read = backend.read.bind(backend)
  backend.read = async (key, options) => {
    if (!key.includes('/packs/')) return read(key, options)
    counted.reads += 1
    underWay += 1
    counted.most = Math.max(counted.most, underWay)
    const found = await read(key, options)
    const count = new TransformStream<Uint8Array, Uint8Array>({
      transform(chunk, controller) {
        counted.bytes += chunk.byteLength
        controller.enqueue(chunk)
      },
      flush() {
        underWay -= 1
      },
    })
    return { ...found, body: found.body.pipeThrough(count) }
  }
  return counted
}
