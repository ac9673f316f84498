import type { DeleteReport, ObjectNames } from '@holdfast/core/backend'
import { remove } from './bodies.ts'
import type { Database } from './database.ts'

/** Deletes all keys in one transaction, so no key can fail alone. */
export async function deleteKeys(
  database: Database,
  names: ObjectNames,
  keys: readonly string[],
  signal: AbortSignal | undefined,
): Promise<DeleteReport> {
  const objects = keys.map((key) => names.object(key))
  await database.change({ what: 'The delete', signal }, (connection) => {
    for (const name of objects) remove(connection, name)
  })
  return { deleted: keys, failed: [] }
}
