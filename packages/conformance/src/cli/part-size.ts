import type { CheckpointBackend } from '@holdfast/core/backend'

/** Size in bytes that exceeds one part of every store with default settings. */
const probeBytes = 64 * 2 ** 20

/**
 * Returns the size in bytes from which the backend works in parts. It is the largest step in the progress of a put,
 * because the last part may be shorter, and may be reported first.
 */
export async function findPartBytes(backend: CheckpointBackend): Promise<number> {
  const size = Math.min(probeBytes, backend.capabilities.maxObjectBytes)
  let reported = 0
  let largest = 1
  await backend.put('part-size', zeros(size), {
    onProgress(bytes) {
      largest = Math.max(largest, bytes - reported)
      reported = bytes
    },
  })
  return largest
}

async function* zeros(size: number): AsyncGenerator<Uint8Array> {
  const chunk = new Uint8Array(2 ** 16)
  for (let sent = 0; sent < size; sent += chunk.byteLength) yield chunk.subarray(0, size - sent)
}
