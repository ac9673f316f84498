import { statfs } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { FreeSpace } from '@holdfast/core/backend'
import { type Database, numberOf } from './database.ts'

/**
 * Returns the rest of `maxBytes`, or without it the free space of the disk. SQLite reuses the pages of deleted
 * rows.
 */
export async function freeSpace(
  database: Database,
  maxBytes: number | undefined,
  signal: AbortSignal | undefined,
): Promise<FreeSpace> {
  const used = await database.ask({ what: 'Measuring free space', signal }, (connection) => {
    const pages = numberOf(connection, 'PRAGMA page_count') - numberOf(connection, 'PRAGMA freelist_count')
    return pages * numberOf(connection, 'PRAGMA page_size')
  })
  if (maxBytes !== undefined) {
    const available = Math.max(0, maxBytes - used)
    return { kind: 'budgeted', available, total: maxBytes, measuredAt: new Date() }
  }
  const { bsize, bavail, blocks } = await statfs(dirname(database.file))
  return { kind: 'measured', available: bavail * bsize, total: blocks * bsize }
}
