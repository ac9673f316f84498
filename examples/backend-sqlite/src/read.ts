import {
  HoldfastError,
  type ObjectStat,
  type ReadableObject,
  type ReadOptions,
  resolveRange,
  throwIfAborted,
} from '@holdfast/core/backend'
import { chunkBytes } from './bodies.ts'
import type { Database } from './database.ts'

export async function read(
  database: Database,
  key: string,
  name: string,
  { range, signal }: ReadOptions,
): Promise<ReadableObject> {
  const found = await stat(database, key, name, signal)
  if (found === undefined) throw new HoldfastError('NOT_FOUND', `${key} does not exist in ${database.file}.`)
  const { start, end } = resolveRange(range, found.size, key, database.file)
  return { stat: found, body: ReadableStream.from(slices(database, found, start, end, signal)) }
}

export async function stat(
  database: Database,
  key: string,
  name: string,
  signal: AbortSignal | undefined,
): Promise<ObjectStat | undefined> {
  const row = await database.ask({ what: `The stat of ${key}`, key, signal }, (connection) =>
    connection.prepare('SELECT size, body, modified_at FROM objects WHERE key = ?').get(name),
  )
  return row === undefined ? undefined : statOf(key, row)
}

/** Converts a row of the table `objects`. */
export function statOf(key: string, row: Readonly<Record<string, unknown>>): ObjectStat {
  return {
    key,
    size: Number(row['size']),
    modifiedAt: new Date(Number(row['modified_at'])),
    revision: String(row['body']),
  }
}

/** Yields the chunks of the body that the key had when the read began. */
async function* slices(
  database: Database,
  { key, revision }: ObjectStat,
  start: number,
  end: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  const request = { what: `The read of ${key}`, key, signal }
  for (let number = Math.floor(start / chunkBytes); number * chunkBytes < end; number += 1) {
    throwIfAborted(signal, request.what, { key })
    const row = await database.ask(request, (connection) =>
      connection.prepare('SELECT bytes FROM chunks WHERE body = ? AND number = ?').get(revision, number),
    )
    const bytes = row?.['bytes']
    if (!(bytes instanceof Uint8Array))
      throw new HoldfastError(
        'UNAVAILABLE',
        `${key} was replaced or deleted during the read. Read it again.`,
        { key },
      )
    const offset = number * chunkBytes
    yield bytes.subarray(Math.max(0, start - offset), end - offset)
  }
}
