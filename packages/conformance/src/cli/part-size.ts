import { type CheckpointBackend, formatSize, HoldfastError } from '@holdfast/core/backend'

/** Size in bytes that exceeds one part of every store with default settings. */
const probeBytes = 64 * 2 ** 20

/** Returns the size in bytes from which the backend works in parts. */
export async function findPartBytes(backend: CheckpointBackend): Promise<number> {
  return largestPartOf(backend, probeBytes)
}

/**
 * Rejects with `CONFIG` if the parts of the backend are larger than `partBytes`. The cases interrupt puts after some parts of
 * this size, and would wait for a part that the backend never completes. Two parts show whether they are larger.
 */
export async function assertPartBytes(backend: CheckpointBackend, partBytes: number): Promise<void> {
  if ((await largestPartOf(backend, 2 * partBytes)) <= partBytes) return
  throw new HoldfastError(
    'CONFIG',
    `The parts of this backend are larger than ${formatSize(partBytes)}, so a case that interrupts a put would wait forever. ` +
      'Leave out --part-size, and the part size is measured.',
  )
}

/**
 * Puts an object of at most `bytes`, and returns the largest step in its progress. The last part may be shorter, and may be
 * reported first.
 */
async function largestPartOf(backend: CheckpointBackend, bytes: number): Promise<number> {
  const size = Math.min(bytes, backend.capabilities.maxObjectBytes)
  let reported = 0
  let largest = 1
  await backend.put('part-size', zeros(size), {
    onProgress(stored) {
      largest = Math.max(largest, stored - reported)
      reported = stored
    },
  })
  return largest
}

async function* zeros(size: number): AsyncGenerator<Uint8Array> {
  const chunk = new Uint8Array(2 ** 16)
  for (let sent = 0; sent < size; sent += chunk.byteLength) yield chunk.subarray(0, size - sent)
}
