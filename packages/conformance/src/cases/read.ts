import assert from 'node:assert/strict'
import { chunksOf } from '@holdfast/core/backend'
import { collect, patterned } from '../bytes.ts'
import { rejectsWith } from '../expect.ts'
import type { Case } from '../subject.ts'

export const readCases: readonly Case[] = [
  {
    name: 'read and hash reject with NOT_FOUND for an absent key, and stat returns undefined',
    async run(backend) {
      await rejectsWith(backend.read('absent'), 'NOT_FOUND')
      await rejectsWith(backend.hash('absent'), 'NOT_FOUND')
      assert.equal(await backend.stat('absent'), undefined)
      await backend.put('folder/file', Buffer.from('x'))
      assert.equal(await backend.stat('folder'), undefined)
      await rejectsWith(backend.read('folder'), 'NOT_FOUND')
    },
  },
  {
    name: 'a key below an existing object, as if that object were a folder, is absent',
    async run(backend) {
      await backend.put('folder/file', Buffer.from('x'))
      assert.equal(await backend.stat('folder/file/below'), undefined)
      await rejectsWith(backend.read('folder/file/below'), 'NOT_FOUND')
      await rejectsWith(backend.hash('folder/file/below'), 'NOT_FOUND')
      assert.deepEqual(await backend.delete(['folder/file/below']), {
        deleted: ['folder/file/below'],
        failed: [],
      })
    },
  },
  {
    name: 'read returns exactly the requested range, and the stat of the whole object',
    async run(backend, { partBytes }) {
      const bytes = patterned(2 * partBytes + 7)
      await backend.put('ranges', bytes)
      const ends: readonly (readonly [number, number | undefined])[] = [
        [0, 0],
        [0, 1],
        [5, 5],
        [3, 1000],
        [partBytes - 1, partBytes + 1],
        [bytes.byteLength - 1, undefined],
        [bytes.byteLength, undefined],
        [10, bytes.byteLength + 1000],
        [0, undefined],
      ]
      for (const [start, end] of ends) {
        const { stat, body } = await backend.read('ranges', { range: { start, end } })
        assert.equal(stat.size, bytes.byteLength)
        const part = await collect(body)
        assert.equal(Buffer.compare(part, bytes.subarray(start, end)), 0, `range ${start} to ${String(end)}`)
      }
    },
  },
  {
    name: 'read fills memory that the reader shares with other threads',
    async run(backend, { partBytes }) {
      const bytes = patterned(Math.max(2 * partBytes, 9 * 2 ** 20) + 7)
      await backend.put('shared', bytes)
      for (const start of [0, partBytes + 1]) {
        const object = await backend.read('shared', { range: { start } })
        const seen: Uint8Array[] = []
        // The memory of a chunk is used again.
        for await (const chunk of chunksOf(object, bytes.byteLength - start, allocateShared))
          seen.push(Buffer.from(chunk))
        assert.equal(Buffer.compare(Buffer.concat(seen), bytes.subarray(start)), 0, `from byte ${start}`)
      }
    },
  },
  {
    name: 'read rejects a range that is negative, reversed or beyond the end',
    async run(backend) {
      await backend.put('short', patterned(10))
      await rejectsWith(backend.read('short', { range: { start: 11 } }), 'INVALID_ARGUMENT')
      await rejectsWith(backend.read('short', { range: { start: 5, end: 4 } }), 'INVALID_ARGUMENT')
      await rejectsWith(backend.read('short', { range: { start: -1 } }), 'INVALID_ARGUMENT')
    },
  },
  {
    name: 'a cancelled read releases its resources',
    async run(backend, { partBytes }) {
      await backend.put('cancelled', patterned(2 * partBytes))
      for (let times = 0; times < 50; times += 1) {
        const { body } = await backend.read('cancelled')
        await body.cancel()
      }
      const { body } = await backend.read('cancelled')
      assert.equal((await collect(body)).byteLength, 2 * partBytes)
    },
  },
]

function allocateShared(bytes: number): Uint8Array {
  return Buffer.from(new SharedArrayBuffer(bytes))
}
