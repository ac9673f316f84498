import { randomBytes } from 'node:crypto'
import { chmod, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { codeOf } from '@holdfast/conformance/testing'
import { HoldfastError, type ReopenableSource, sha256Hex } from '@holdfast/core/backend'
import { expect, test } from 'vitest'
import { FileBackend } from '../src/index.ts'
import { temporaryFolder } from './folders.ts'

const bytes = randomBytes(5 * 2 ** 20 + 17)
const size = bytes.byteLength
const sha256 = sha256Hex(bytes)

/** Expects progress that never decreases, and ends with the size. */
function expectForward(reported: readonly number[]): void {
  expect(reported).toEqual(reported.toSorted((one, other) => one - other))
  expect(reported.at(-1)).toBe(size)
}

function sourceOf(breaksAfter = Infinity): ReopenableSource {
  async function* chunks(start: number): AsyncGenerator<Uint8Array> {
    for (let at = start; at < size; at += 2 ** 16) {
      if (at >= breaksAfter) throw new HoldfastError('UNAVAILABLE', 'The connection broke.')
      yield bytes.subarray(at, at + 2 ** 16)
    }
  }
  return { open: async (start) => chunks(start) }
}

test('the progress of a put never decreases if the bytes differ from those of an object', async () => {
  const backend = new FileBackend(await temporaryFolder())
  const other = Buffer.from(bytes)
  other[size - 1] = (other[size - 1] ?? 0) ^ 1
  await backend.put('before', other)
  const object = { backend, key: 'before', size, sha256: sha256Hex(other) }
  const reported: number[] = []
  await backend.put('after', bytes, {
    size,
    unchanged: { object },
    onProgress: (stored) => reported.push(stored),
  })
  expectForward(reported)
})

test('the progress of a put never decreases if what an earlier put left is damaged', async () => {
  const root = await temporaryFolder()
  const backend = new FileBackend(root)
  const options = { size, resume: { sha256 } }
  expect(await codeOf(backend.put('k', sourceOf(4.5 * 2 ** 20), options))).toBe('UNAVAILABLE')
  const [leftover = ''] = await readdir(root)
  await chmod(join(root, leftover), 0o600)
  await writeFile(join(root, leftover), randomBytes(4.5 * 2 ** 20))
  const reported: number[] = []
  await backend.put('k', sourceOf(), { ...options, onProgress: (stored) => reported.push(stored) })
  expectForward(reported)
})
