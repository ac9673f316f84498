import type { CheckpointBackend } from '../../backend/index.ts'
import {
  type AttemptId,
  attemptOfKey,
  attemptPrefix,
  dataPrefix,
  manifestKey,
} from '../../catalog/documents/index.ts'

/** Keys in one call of `delete`: memory stays bounded, and every store's own batches fit. */
const keysAtOnce = 1000

/** What became of a deletion: how many objects went, and what could not be deleted. */
export interface Deletion {
  readonly deleted: number
  readonly failed: readonly { readonly key: string; readonly error: Error }[]
}

/** Attempts of more than this number are found by one list of them all, and not by one list each. */
const listedSingly = 8

/** Deletes all objects of attempts that are dead, or that their own writer gives up. Safe to repeat. */
export async function deleteAttempts(
  backend: CheckpointBackend,
  attempts: readonly AttemptId[],
  signal?: AbortSignal,
): Promise<Deletion> {
  // First the manifests: from then on they are whole for nobody who would find them.
  const keys: string[] = attempts.map(manifestKey)
  let total: Deletion = { deleted: 0, failed: [] }
  const manifests = new Set(keys)
  for await (const key of keysUnder(backend, attempts, signal)) {
    if (!manifests.has(key)) keys.push(key)
    while (keys.length >= keysAtOnce)
      total = add(total, await deleteKeys(backend, keys.splice(0, keysAtOnce), signal))
  }
  return add(total, await deleteKeys(backend, keys, signal))
}

async function* keysUnder(
  backend: CheckpointBackend,
  attempts: readonly AttemptId[],
  signal: AbortSignal | undefined,
): AsyncGenerator<string> {
  if (attempts.length > listedSingly) {
    const wanted = new Set<AttemptId | undefined>(attempts)
    for await (const { key } of backend.list(dataPrefix, { signal }))
      if (wanted.has(attemptOfKey(key))) yield key
    return
  }
  for (const attempt of attempts)
    for await (const { key } of backend.list(attemptPrefix(attempt), { signal })) yield key
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
