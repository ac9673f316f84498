import type { CheckpointBackend } from '../backend/index.ts'
import { HoldfastError, isHoldfastError } from '../errors.ts'

/** No document of ours is larger; a larger one is refused before it is read into memory. */
const maxDocumentBytes = 512 * 2 ** 20

/** All bytes of a small object. Rejects with `NOT_FOUND` when absent, `CORRUPT` when far too large to be ours. */
export async function readSmall(
  backend: CheckpointBackend,
  key: string,
  signal: AbortSignal | undefined,
): Promise<Uint8Array> {
  const { stat, body } = await backend.read(key, { signal })
  if (stat.size > maxDocumentBytes) {
    await body.cancel()
    throw new HoldfastError('CORRUPT', `${key} has ${stat.size} bytes, which no document of Holdfast has.`, {
      key,
      url: backend.url,
    })
  }
  const chunks: Uint8Array[] = []
  for await (const chunk of body) chunks.push(chunk)
  return Buffer.concat(chunks)
}

/** As `readSmall`, and `undefined` when absent. */
export async function readIfThere(
  backend: CheckpointBackend,
  key: string,
  signal: AbortSignal | undefined,
): Promise<Uint8Array | undefined> {
  try {
    return await readSmall(backend, key, signal)
  } catch (error) {
    if (isHoldfastError(error, 'NOT_FOUND')) return undefined
    throw error
  }
}
