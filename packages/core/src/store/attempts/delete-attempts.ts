import type { CheckpointBackend } from '../../backend/index.ts'
import {
  type AttemptId,
  attemptOfKey,
  attemptPrefix,
  dataPrefix,
  manifestKey,
} from '../../catalog/documents/index.ts'

/** Maximum number of keys in one call of `delete`. It bounds memory, and is a multiple of the batches of stores. */
const keysAtOnce = 1000

/** The number of deleted objects, and the objects that could not be deleted. */
export interface Deletion {
  readonly deleted: number
  readonly failed: readonly { readonly key: string; readonly error: Error }[]
}

/** Above this number of attempts, one listing of all attempts replaces one listing for each. */
const listedSingly = 8

/** Deletes all objects of dead attempts. It can be repeated. */
export async function deleteAttempts(
  backend: CheckpointBackend,
  attempts: readonly AttemptId[],
  signal?: AbortSignal,
): Promise<Deletion> {
  // Manifests are deleted first, because an attempt without its manifest never counts as complete.
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
