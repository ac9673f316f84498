import assert from 'node:assert/strict'
import { type CheckpointBackend, type ErrorCode, isHoldfastError } from '@holdfast/core/backend'
import { collect } from './bytes.ts'

/** Asserts that the call rejects with a Holdfast error of one of these codes. */
export async function rejectsWith(call: Promise<unknown>, ...codes: readonly ErrorCode[]): Promise<void> {
  await assert.rejects(call, (error: unknown) => {
    assert.ok(isHoldfastError(error), `not a HoldfastError: ${String(error)}`)
    assert.ok(
      codes.includes(error.code),
      `expected ${codes.join(' or ')}, got ${error.code}: ${error.message}`,
    )
    return true
  })
}

/**
 * Asserts that no method returns an object at the key, and that one sweep discards all unfinished work, so that a
 * second sweep finds none.
 */
export async function assertNothingLeft(backend: CheckpointBackend, key: string): Promise<void> {
  assert.equal(await backend.stat(key), undefined)
  await rejectsWith(backend.read(key), 'NOT_FOUND')
  assert.deepEqual(await keysOf(backend, ''), [])
  await backend.sweep({ olderThan: 0 })
  assert.deepEqual(await backend.sweep({ olderThan: 0 }), { discarded: [], left: 0 })
}

export async function keysOf(
  backend: CheckpointBackend,
  prefix: string,
  options?: { readonly startAfter?: string; readonly limit?: number },
): Promise<readonly string[]> {
  const keys: string[] = []
  for await (const { key } of backend.list(prefix, options)) keys.push(key)
  return keys
}

/** Asserts that an object exists and has exactly these bytes. */
export async function assertStored(
  backend: CheckpointBackend,
  key: string,
  bytes: Uint8Array,
): Promise<void> {
  const { stat, body } = await backend.read(key)
  assert.equal(stat.key, key)
  assert.equal(stat.size, bytes.byteLength)
  const stored = await collect(body)
  assert.equal(Buffer.compare(stored, bytes), 0, `${key} does not have the bytes that were written`)
  assert.equal((await backend.stat(key))?.size, bytes.byteLength)
}
