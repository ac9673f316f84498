import assert from 'node:assert/strict'
import { compareKeys } from '@holdfast/core/backend'
import { keysOf, rejectsWith } from '../expect.ts'
import type { Case } from '../subject.ts'

const similarKeys = [
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
  // On a file system, one path cannot be a file and a folder at the same time.
  .filter((key) => key !== 'b/a')

/** Keys in the order of their UTF-8 bytes. In the order of UTF-16, U+1F98A precedes U+E000. */
const keysAboveD7ff = ['order/a', 'order/\ue000', 'order/\uffee', 'order/\u{1f98a}', 'order/\u{1f98a}b']

/** Number of keys that exceeds one page of a listing, and one batch of deletes, of every provider. */
const manyKeys = 1100

export const listCases: readonly Case[] = [
  {
    name: 'list treats the prefix as text, and returns the matching keys ordered by their UTF-8 bytes',
    async run(backend) {
      for (const key of similarKeys) await backend.put(key, Buffer.from(key))
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
        const expected = similarKeys.filter((key) => key.startsWith(prefix)).sort(compareKeys)
        assert.deepEqual(await keysOf(backend, prefix), expected, `prefix ${JSON.stringify(prefix)}`)
      }
    },
  },
  {
    name: 'list starts after startAfter, even if no such key exists, and stops at the limit',
    async run(backend) {
      for (const key of similarKeys) await backend.put(key, Buffer.from(key))
      const sorted = similarKeys.toSorted(compareKeys)
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
    name: 'list orders keys above U+D7FF by their UTF-8 bytes, and starts after any of them',
    async run(backend) {
      for (const key of keysAboveD7ff.toReversed()) await backend.put(key, Buffer.from(key))
      assert.deepEqual(await keysOf(backend, 'order/'), keysAboveD7ff)
      for (const [index, startAfter] of keysAboveD7ff.entries())
        assert.deepEqual(await keysOf(backend, '', { startAfter }), keysAboveD7ff.slice(index + 1))
    },
  },
  {
    name: 'list returns all pages, and delete accepts more keys than one batch of the store',
    async run(backend) {
      const keys = Array.from({ length: manyKeys }, (_, index) => `pages/${String(index).padStart(5, '0')}`)
      for (let start = 0; start < manyKeys; start += 50) {
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
    name: 'list ends at the highest key or above it, even if the highest keys are deleted during the call',
    async run(backend) {
      const keys = Array.from({ length: 100 }, (_, index) => `moving/${String(index).padStart(3, '0')}`)
      await Promise.all(keys.map((key) => backend.put(key, Buffer.from(key))))
      const listed: string[] = []
      for await (const { key } of backend.list('moving/')) {
        listed.push(key)
        if (listed.length > 1) continue
        await backend.put('moving/created during the list', Buffer.from('higher'))
        await backend.delete(keys.slice(1))
      }
      assert.ok(
        compareKeys(listed.at(-1) ?? '', keys.at(-1) ?? '') >= 0,
        `the list ended at ${listed.at(-1) ?? 'no key'}`,
      )
    },
  },
  {
    name: 'list, stat, read and put describe an object alike, and list is empty if no key matches',
    async run(backend) {
      assert.deepEqual(await keysOf(backend, 'nothing/'), [])
      const { key, size, revision } = await backend.put('described', Buffer.from('12345'))
      const stat = await backend.stat('described')
      assert.deepEqual({ ...stat, modifiedAt: undefined }, { key, size, revision, modifiedAt: undefined })
      assert.deepEqual(await Array.fromAsync(backend.list('')), [stat])
      const read = await backend.read('described')
      await read.body.cancel()
      assert.deepEqual(read.stat, stat)
    },
  },
  {
    name: 'a key gets a new revision each time it is stored, also after a delete',
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
    name: 'delete reports a missing or repeated key as deleted',
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
