import type { ObjectNames, SweepOptions, SweepReport, UnfinishedWork } from '@holdfast/core/backend'
import { discardUnfinished } from './bodies.ts'
import type { Database } from './database.ts'

const unfinished = `
  SELECT id, key, started_at, (SELECT coalesce(sum(length(bytes)), 0) FROM chunks WHERE body = id) AS size
  FROM bodies WHERE id NOT IN (SELECT body FROM objects) ORDER BY id
`

/**
 * Discards bodies without an object. If one of them is still being written, its put fails with `UNAVAILABLE`. A put may publish
 * its body after this query, so each transaction looks again before it deletes.
 */
export async function sweep(
  database: Database,
  names: ObjectNames,
  { olderThan, prefix = '', only = () => true, dryRun = false, signal }: SweepOptions,
): Promise<SweepReport> {
  const work = (
    await database.ask({ what: 'The sweep', signal }, (connection) => connection.prepare(unfinished).all())
  )
    .filter((row) => String(row['key']).startsWith(names.root))
    .map((row) => ({
      body: Number(row['id']),
      key: names.key(String(row['key'])),
      startedAt: new Date(Number(row['started_at'])),
      size: Number(row['size']),
    }))
  const youngest = Date.now() - olderThan
  const dead = work.filter(
    ({ key, startedAt }) => startedAt.getTime() <= youngest && key.startsWith(prefix) && only(key),
  )
  const discarded: UnfinishedWork[] = []
  for (const { key, body, startedAt, size } of dead) {
    const request = { what: `Discarding an unfinished body of ${key}`, key, signal }
    const isDiscarded =
      dryRun || (await database.change(request, (connection) => discardUnfinished(connection, body)))
    if (isDiscarded) discarded.push({ key, startedAt, size })
  }
  return { discarded, left: work.length - dead.length }
}
