import type { ListOptions, ObjectNames, ObjectStat } from '@holdfast/core/backend'
import type { Database } from './database.ts'
import { statOf } from './read.ts'

const page = 500

/**
 * SQLite compares text by its UTF-8 bytes (https://sqlite.org/datatype3.html#collation), which is the order of
 * keys.
 */
export async function* list(
  database: Database,
  names: ObjectNames,
  prefix: string,
  { startAfter = '', signal }: ListOptions,
): AsyncGenerator<ObjectStat> {
  const first = names.root + prefix
  let after = startAfter === '' ? '' : names.root + startAfter
  for (;;) {
    const rows = await database.ask({ what: `Listing ${prefix}`, signal }, (connection) =>
      connection
        .prepare('SELECT * FROM objects WHERE key >= ? AND key > ? ORDER BY key LIMIT ?')
        .all(first, after, page),
    )
    for (const row of rows) {
      after = String(row['key'])
      if (!after.startsWith(first)) return
      yield statOf(names.key(after), row)
    }
    if (rows.length < page) return
  }
}
