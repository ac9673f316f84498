import assert from 'node:assert/strict'
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
  `long/${'x'.repeat(200)}`,
  `${'ä'.repeat(127)}b`,
  'deep/a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p',
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
  'x'.repeat(256),
]

export const keyCases: readonly Case[] = [
  {
    name: 'every valid key is kept as it is, however unusual',
    async run(backend) {
      for (const [index, key] of unusualKeys.entries()) await backend.put(key, patterned(100, index))
      for (const [index, key] of unusualKeys.entries()) await holds(backend, key, patterned(100, index))
      assert.deepEqual(await keysOf(backend, ''), unusualKeys.toSorted())
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
]
