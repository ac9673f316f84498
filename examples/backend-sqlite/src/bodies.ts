import type { DatabaseSync } from 'node:sqlite'
import { HoldfastError } from '@holdfast/core/backend'

/** Size in bytes of every chunk of a body except the last. Memory never holds more of an object than a few chunks. */
export const chunkBytes = 2 ** 20

/** Creates an empty body that belongs to no object yet, and returns its number. */
export function begin(connection: DatabaseSync, name: string): number {
  const insert = connection.prepare('INSERT INTO bodies (key, started_at) VALUES (?, ?)')
  return Number(insert.run(name, Date.now()).lastInsertRowid)
}

export function addChunk(connection: DatabaseSync, body: number, number: number, bytes: Uint8Array): void {
  connection.prepare('INSERT INTO chunks (body, number, bytes) VALUES (?, ?, ?)').run(body, number, bytes)
}

/** Makes a body the body of an object, and deletes the previous one. Call it within a transaction. */
export function publish(connection: DatabaseSync, name: string, body: number, size: number): void {
  if (connection.prepare('SELECT 1 FROM bodies WHERE id = ?').get(body) === undefined)
    throw new HoldfastError(
      'UNAVAILABLE',
      'A sweep has discarded the unfinished body. Write the object again.',
    )
  remove(connection, name)
  connection
    .prepare('INSERT INTO objects (key, body, size, modified_at) VALUES (?, ?, ?, ?)')
    .run(name, body, size, Date.now())
}

/** Deletes an object and its body, if the object exists. Call it within a transaction. */
export function remove(connection: DatabaseSync, name: string): void {
  const object = connection.prepare('DELETE FROM objects WHERE key = ? RETURNING body').get(name)
  if (object !== undefined) discard(connection, Number(object['body']))
}

/** Deletes a body unless an object has it, and returns whether it was deleted. Call it within a transaction. */
export function discardUnfinished(connection: DatabaseSync, body: number): boolean {
  if (connection.prepare('SELECT 1 FROM objects WHERE body = ?').get(body) !== undefined) return false
  discard(connection, body)
  return true
}

/** Deletes a body. Call it within a transaction. */
export function discard(connection: DatabaseSync, body: number): void {
  connection.prepare('DELETE FROM chunks WHERE body = ?').run(body)
  connection.prepare('DELETE FROM bodies WHERE id = ?').run(body)
}
