import type { CommitOutcome } from '@holdfast/core/backend'
import { addChunk, begin, chunkBytes, publish } from './bodies.ts'
import type { Database } from './database.ts'

/** Checks and creates the key in one transaction, so that only one of all processes finds it absent. */
export async function commit(
  database: Database,
  key: string,
  name: string,
  bytes: Uint8Array,
  signal: AbortSignal | undefined,
): Promise<CommitOutcome> {
  return database.change(
    { what: `The commit of ${key}`, key, signal },
    (connection) => {
      if (connection.prepare('SELECT 1 FROM objects WHERE key = ?').get(name) !== undefined) return 'exists'
      const body = begin(connection, name)
      for (let start = 0; start < bytes.byteLength; start += chunkBytes)
        addChunk(connection, body, start / chunkBytes, bytes.subarray(start, start + chunkBytes))
      publish(connection, name, body, bytes.byteLength)
      return 'created'
    },
    'OUTCOME_UNKNOWN',
  )
}
