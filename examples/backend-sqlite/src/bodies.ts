import type { DatabaseSync } from 'node:sqlite'
import { HoldfastError } from '@holdfast/core'

/** Bytes of every chunk of a body but the last: all that is ever held in memory of an object. */
export const chunkBytes = 2 ** 20

/** Begins a body that no object has yet. */
export function begin(connection: DatabaseSync, name: string): number {
  const insert = connection.prepare('INSERT INTO bodies (key, started_at) VALUES (?, ?)')
  return Number(insert.run(name, Date.now()).lastInsertRowid)
}

export function addChunk(connection: DatabaseSync, body: number, number: number, bytes: Uint8Array): void {
  connection.prepare('INSERT INTO chunks (body, number, bytes) VALUES (?, ?, ?)').run(body, number, bytes)
}

/** Makes a body that of an object, and drops the body that it had. Within one transaction. */
export function publish(connection: DatabaseSync, name: string, body: number, size: number): void {
  if (connection.prepare('SELECT 1 FROM bodies WHERE id = ?').get(body) === undefined)
    throw new HoldfastError('UNAVAILABLE', 'What was unfinished was swept by someone else.')
  remove(connection, name)
  connection
    .prepare('INSERT INTO objects (key, body, size, modified_at) VALUES (?, ?, ?, ?)')
    .run(name, body, size, Date.now())
}

/** Drops an object, if it is there, and its body. Within one transaction. */
export function remove(connection: DatabaseSync, name: string): void {
  const object = connection.prepare('DELETE FROM objects WHERE key = ? RETURNING body').get(name)
  if (object !== undefined) discard(connection, Number(object['body']))
}

/** Drops a body. Within one transaction. */
export function discard(connection: DatabaseSync, body: number): void {
  connection.prepare('DELETE FROM chunks WHERE body = ?').run(body)
  connection.prepare('DELETE FROM bodies WHERE id = ?').run(body)
}
