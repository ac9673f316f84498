import assert from 'node:assert/strict'
import { compareKeys, maxKeyPartBytes } from '@holdfast/core/backend'
import { patterned } from '../bytes.ts'
import { holds, keysOf, rejectsWith } from '../expect.ts'
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

/** Keys whose longest part has as many bytes as one may. */
const longParts: readonly string[] = [
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
    name: 'every valid key is kept as it is, however unusual',
    async run(backend) {
      for (const [index, key] of unusualKeys.entries()) await backend.put(key, patterned(100, index))
      for (const [index, key] of unusualKeys.entries()) await holds(backend, key, patterned(100, index))
      assert.deepEqual(await keysOf(backend, ''), unusualKeys.toSorted(compareKeys))
    },
  },
  {
    name: `a key with a part of ${maxKeyPartBytes} bytes, the most that a part may have, is kept as it is`,
    async run(backend) {
      for (const [index, key] of longParts.entries()) {
        await backend.put(key, patterned(100, index))
        assert.equal(await backend.commit(key, patterned(100, 9)), 'exists')
        await holds(backend, key, patterned(100, index))
      }
      assert.deepEqual(await keysOf(backend, ''), longParts.toSorted(compareKeys))
    },
  },
  {
    name: 'every invalid key is refused by every method, and nothing is stored',
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
    name: 'one invalid key among those to delete, and none is deleted',
    async run(backend) {
      await backend.put('there', patterned(10))
      await rejectsWith(backend.delete(['there', '../there']), 'INVALID_ARGUMENT')
      await holds(backend, 'there', patterned(10))
    },
  },
  {
    name: 'a key as long as the capabilities say is kept, whatever the length of its last part',
    async run(backend) {
      for (const lastPart of [1, 200]) {
        const key = longKey(backend.capabilities.maxKeyBytes, lastPart)
        await backend.put(key, patterned(10))
        assert.equal(await backend.commit(key, patterned(20)), 'exists')
        await holds(backend, key, patterned(10))
        assert.deepEqual(await keysOf(backend, key.slice(0, -lastPart)), [key])
        await backend.delete([key])
      }
    },
  },
]

/** A key of exactly so many bytes, whose last part has `lastPart` of them. */
function longKey(bytes: number, lastPart: number): string {
  const folders = bytes - lastPart
  const whole = Math.floor(folders / 100)
  const first = folders % 100
  // One byte cannot be a folder with its slash, so it lengthens the last part but one.
  const parts = first === 1 ? [100 + first] : first === 0 ? [100] : [first, 100]
  const folderSizes = [...parts, ...Array.from({ length: whole - 1 }, () => 100)]
  return `${folderSizes.map((size) => `${'f'.repeat(size - 1)}/`).join('')}${'k'.repeat(lastPart)}`
}
