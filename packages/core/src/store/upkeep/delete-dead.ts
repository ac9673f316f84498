import type { CheckpointBackend } from '../../backend/index.ts'
import { type AttemptId, attemptPrefix, manifestKey } from '../documents/index.ts'

/** Keys in one call of `delete`: memory stays bounded, and every store's own batches fit. */
const keysAtOnce = 1000

/** What became of a deletion: how many objects went, and what could not be deleted. */
export interface Deletion {
  readonly deleted: number
  readonly failed: readonly { readonly key: string; readonly error: Error }[]
}

/** Deletes all objects of attempts that are dead, or that their own writer gives up. Safe to repeat. */
export async function deleteAttempts(
  backend: CheckpointBackend,
  attempts: Iterable<AttemptId>,
  signal?: AbortSignal,
): Promise<Deletion> {
  const keys: string[] = []
  let total: Deletion = { deleted: 0, failed: [] }
  for (const attempt of attempts) {
    // First the manifest: from then on it is whole for nobody who would find it.
    keys.push(manifestKey(attempt))
    for await (const { key } of backend.list(attemptPrefix(attempt), { signal })) {
      if (key !== manifestKey(attempt)) keys.push(key)
      if (keys.length >= keysAtOnce) total = add(total, await deleteKeys(backend, keys.splice(0), signal))
    }
  }
  return add(total, await deleteKeys(backend, keys, signal))
}

export async function deleteKeys(
  backend: CheckpointBackend,
  keys: readonly string[],
  signal?: AbortSignal,
): Promise<Deletion> {
  let total: Deletion = { deleted: 0, failed: [] }
  for (let start = 0; start < keys.length; start += keysAtOnce) {
    const { deleted, failed } = await backend.delete(keys.slice(start, start + keysAtOnce), { signal })
    total = add(total, { deleted: deleted.length, failed })
  }
  return total
}

function add(one: Deletion, other: Deletion): Deletion {
  return { deleted: one.deleted + other.deleted, failed: [...one.failed, ...other.failed] }
}
