import assert from 'node:assert/strict'
import { compareKeys, maxKeyPartBytes } from '@holdfast/core/backend'
import { patterned } from '../bytes.ts'
import { assertStored, keysOf, rejectsWith } from '../expect.ts'
import type { Case } from '../subject.ts'

const unusualKeys: readonly string[] = [
  'plain',
  'with space',
  ' leading and trailing ',
  'plus+percent%hash#question?',
  'percent%2Fencoded%00',
  'quotes\'"`',
  'semi;colon:comma,and&=@!$()*[]{}|<>~^',
  '.hidden',
  '...three',
  'Ünïcödé/ß/日本語/🦊',
  'combining e\u0301',
  `long/${'x'.repeat(100)}`,
  'deep/a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p',
]

/** Keys whose longest part has the maximum number of bytes. */
const keysWithLongParts: readonly string[] = [
  'x'.repeat(maxKeyPartBytes),
  `${'ä'.repeat(127)}b`,
  `${'y'.repeat(maxKeyPartBytes)}/below`,
]

const invalidKeys: readonly string[] = [
  '',
  '/absolute',
  'trailing/',
  'double//slash',
  '.',
  '..',
  'a/../b',
  './a',
  'a/.',
  'nul\0byte',
  'line\nbreak',
  'back\\slash',
  'half a pair \ud800',
  'x'.repeat(maxKeyPartBytes + 1),
]

export const keyCases: readonly Case[] = [
  {
    name: 'valid keys with unusual characters are stored unchanged',
    async run(backend) {
      for (const [index, key] of unusualKeys.entries()) await backend.put(key, patterned(100, index))
      for (const [index, key] of unusualKeys.entries())
        await assertStored(backend, key, patterned(100, index))
      assert.deepEqual(await keysOf(backend, ''), unusualKeys.toSorted(compareKeys))
    },
  },
  {
    name: `a key with a part of ${maxKeyPartBytes} bytes, the maximum, is stored unchanged`,
    async run(backend) {
      for (const [index, key] of keysWithLongParts.entries()) {
        await backend.put(key, patterned(100, index))
        assert.equal(await backend.commit(key, patterned(100, 9)), 'exists')
        await assertStored(backend, key, patterned(100, index))
      }
      assert.deepEqual(await keysOf(backend, ''), keysWithLongParts.toSorted(compareKeys))
    },
  },
  {
    name: 'every method rejects every invalid key, and nothing is stored',
    async run(backend) {
      for (const key of invalidKeys) {
        await rejectsWith(backend.put(key, Buffer.from('x')), 'INVALID_ARGUMENT')
        await rejectsWith(backend.commit(key, Buffer.from('x')), 'INVALID_ARGUMENT')
        await rejectsWith(backend.read(key), 'INVALID_ARGUMENT')
        await rejectsWith(backend.stat(key), 'INVALID_ARGUMENT')
        await rejectsWith(backend.hash(key), 'INVALID_ARGUMENT')
        await rejectsWith(backend.delete([key]), 'INVALID_ARGUMENT')
      }
      assert.deepEqual(await keysOf(backend, ''), [])
    },
  },
  {
    name: 'delete deletes nothing if one of its keys is invalid',
    async run(backend) {
      await backend.put('existing', patterned(10))
      await rejectsWith(backend.delete(['existing', '../existing']), 'INVALID_ARGUMENT')
      await assertStored(backend, 'existing', patterned(10))
    },
  },
  {
    name: 'a key of maxKeyBytes bytes is stored unchanged, with a short and with a long last part',
    async run(backend) {
      for (const lastPart of [1, 200]) {
        const key = longKey(backend.capabilities.maxKeyBytes, lastPart)
        await backend.put(key, patterned(10))
        assert.equal(await backend.commit(key, patterned(20)), 'exists')
        await assertStored(backend, key, patterned(10))
        assert.deepEqual(await keysOf(backend, key.slice(0, -lastPart)), [key])
        await backend.delete([key])
      }
    },
  },
]

/** Returns a key of exactly `bytes` bytes. Its last part has `lastPart` bytes. */
function longKey(bytes: number, lastPart: number): string {
  const folders = bytes - lastPart
  const whole = Math.floor(folders / 100)
  const first = folders % 100
  // A part with its slash has at least two bytes, so a single byte makes the first part longer instead.
  const parts = first === 1 ? [100 + first] : first === 0 ? [100] : [first, 100]
  const folderSizes = [...parts, ...Array.from({ length: whole - 1 }, () => 100)]
  return `${folderSizes.map((size) => `${'f'.repeat(size - 1)}/`).join('')}${'k'.repeat(lastPart)}`
}
