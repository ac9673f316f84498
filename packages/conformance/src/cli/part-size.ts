import type { CheckpointBackend } from '@holdfast/core/backend'

/** More than one part of every store, as far as its settings are the usual ones. */
const probeBytes = 64 * 2 ** 20

/**
 * Where the backend begins to work in parts: the longest step in which a put tells its progress. Its last part may
 * be shorter, and may be told first.
 */
export async function findPartBytes(backend: CheckpointBackend): Promise<number> {
  const size = Math.min(probeBytes, backend.capabilities.maxObjectBytes)
  let told = 0
  let longest = 1
  await backend.put('part-size', zeros(size), {
    onProgress(bytes) {
      longest = Math.max(longest, bytes - told)
      told = bytes
    },
  })
  return longest
}

async function* zeros(size: number): AsyncGenerator<Uint8Array> {
  const chunk = new Uint8Array(2 ** 16)
  for (let given = 0; given < size; given += chunk.byteLength) yield chunk.subarray(0, size - given)
}
