import assert from 'node:assert/strict'
import { compareKeys } from '@holdfast/core/backend'
import { keysOf, rejectsWith } from '../expect.ts'
import type { Case } from '../subject.ts'

const lookAlikes = [
  'a',
  'a-b',
  'a.b',
  'ab',
  'a b',
  'a!',
  'b/a',
  'b/a/x',
  'b/a-x',
  'b/a.x',
  'b/a0',
  'b/aa',
  'B/a',
  'c',
]
  // A key cannot be a file and a folder at once on a file system.
  .filter((key) => key !== 'b/a')

/** Their order in UTF-8 is this one, and in UTF-16 the fox comes first. */
const beyondOrdinary = ['order/a', 'order/\ue000', 'order/\uffee', 'order/\u{1f98a}', 'order/\u{1f98a}b']

/** More than one page of every store. */
const many = 1100

export const listCases: readonly Case[] = [
  {
    name: 'list gives the keys that begin with the prefix, as plain text, in key order',
    async run(backend) {
      for (const key of lookAlikes) await backend.put(key, Buffer.from(key))
      for (const prefix of [
        '',
        'a',
        'a-',
        'a.',
        'ab',
        'b',
        'b/',
        'b/a',
        'b/a/',
        'b/a-',
        'B',
        'd',
        'b/a/x',
        'b/a/xy',
      ]) {
        const expected = lookAlikes.filter((key) => key.startsWith(prefix)).sort(compareKeys)
        assert.deepEqual(await keysOf(backend, prefix), expected, `prefix ${JSON.stringify(prefix)}`)
      }
    },
  },
  {
    name: 'list begins after startAfter, whether that is a key or not, and stops at the limit',
    async run(backend) {
      for (const key of lookAlikes) await backend.put(key, Buffer.from(key))
      const sorted = lookAlikes.toSorted(compareKeys)
      for (const startAfter of [...sorted, '', 'a/', 'b', 'b/', 'b/a/', 'b/a/zzz', 'zzz']) {
        const expected = sorted.filter((key) => compareKeys(key, startAfter) > 0)
        assert.deepEqual(
          await keysOf(backend, '', { startAfter }),
          expected,
          `after ${JSON.stringify(startAfter)}`,
        )
        assert.deepEqual(await keysOf(backend, '', { startAfter, limit: 3 }), expected.slice(0, 3))
        const below = expected.filter((key) => key.startsWith('b/'))
        assert.deepEqual(await keysOf(backend, 'b/', { startAfter }), below)
      }
      assert.deepEqual(await keysOf(backend, '', { limit: 0 }), [])
    },
  },
  {
    name: 'list keeps the order of UTF-8 also for keys beyond U+D7FF, and begins after any of them',
    async run(backend) {
      for (const key of beyondOrdinary.toReversed()) await backend.put(key, Buffer.from(key))
      assert.deepEqual(await keysOf(backend, 'order/'), beyondOrdinary)
      for (const [index, startAfter] of beyondOrdinary.entries())
        assert.deepEqual(await keysOf(backend, '', { startAfter }), beyondOrdinary.slice(index + 1))
    },
  },
  {
    name: 'list gives all pages, and delete takes more keys than one batch of the store',
    async run(backend) {
      const keys = Array.from({ length: many }, (_, index) => `pages/${String(index).padStart(5, '0')}`)
      for (let start = 0; start < many; start += 50) {
        await Promise.all(keys.slice(start, start + 50).map((key) => backend.put(key, Buffer.from(key))))
      }
      assert.deepEqual(await keysOf(backend, 'pages/'), keys)
      assert.deepEqual(await keysOf(backend, 'pages/', { startAfter: keys[999] ?? '' }), keys.slice(1000))
      const report = await backend.delete(keys)
      assert.deepEqual(report.failed, [])
      assert.deepEqual(report.deleted.toSorted(), keys)
      assert.deepEqual(await keysOf(backend, ''), [])
    },
  },
  {
    name: 'list of what is not there is empty; list, stat, read and put tell the same of an object',
    async run(backend) {
      assert.deepEqual(await keysOf(backend, 'nothing/'), [])
      const { key, size, revision } = await backend.put('told', Buffer.from('12345'))
      const stat = await backend.stat('told')
      assert.deepEqual({ ...stat, modifiedAt: undefined }, { key, size, revision, modifiedAt: undefined })
      assert.deepEqual(await Array.fromAsync(backend.list('')), [stat])
      const read = await backend.read('told')
      await read.body.cancel()
      assert.deepEqual(read.stat, stat)
    },
  },
  {
    name: 'a key that is stored anew, after a delete or over what was there, has another revision',
    async run(backend) {
      const revisions = new Set<string>()
      for (let body = 0; body < 20; body += 1) {
        await backend.commit('reborn', Buffer.from(`body ${body}`))
        revisions.add((await backend.stat('reborn'))?.revision ?? '')
        await backend.delete(['reborn'])
      }
      for (let body = 20; body < 40; body += 1) {
        revisions.add((await backend.put('reborn', Buffer.from(`body ${body}`))).revision)
      }
      assert.equal(revisions.size, 40)
    },
  },
  {
    name: 'delete counts a missing key and a repeated one as deleted',
    async run(backend) {
      await backend.put('there', Buffer.from('x'))
      await backend.put('beside', Buffer.from('x'))
      const { deleted, failed } = await backend.delete(['there', 'missing', 'not/there', 'there'])
      assert.deepEqual(failed, [])
      assert.deepEqual(new Set(deleted), new Set(['there', 'missing', 'not/there']))
      assert.deepEqual(await keysOf(backend, ''), ['beside'])
      assert.deepEqual(await backend.delete([]), { deleted: [], failed: [] })
      await rejectsWith(backend.read('there'), 'NOT_FOUND')
    },
  },
]
