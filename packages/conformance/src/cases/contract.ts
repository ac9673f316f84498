import assert from 'node:assert/strict'
import type { CallOptions, CheckpointBackend } from '@holdfast/core/backend'
import { pausingSource, patterned } from '../bytes.ts'
import { assertStored, rejectsWith } from '../expect.ts'
import type { Case } from '../subject.ts'

/** A misspelt option. The cast hides it from the compiler, because callers in JavaScript have no compiler. */
const misspelt = { ifAbsnet: true } as CallOptions

export const contractCases: readonly Case[] = [
  {
    name: 'every method rejects an unknown option',
    async run(backend) {
      await backend.put('there', patterned(10))
      const calls: readonly ((backend: CheckpointBackend) => Promise<unknown>)[] = [
        (each) => each.place(misspelt),
        (each) => each.put('new', patterned(10), misspelt),
        (each) => each.commit('new', patterned(10), misspelt),
        (each) => each.read('there', misspelt),
        (each) => each.stat('there', misspelt),
        (each) => Array.fromAsync(each.list('', misspelt)),
        (each) => each.delete(['there'], misspelt),
        (each) => each.hash('there', misspelt),
        (each) => each.freeSpace(misspelt),
        (each) => each.sweep({ olderThan: 0, ...misspelt }),
      ]
      for (const call of calls) await rejectsWith(call(backend), 'INVALID_ARGUMENT')
      assert.equal(await backend.stat('new'), undefined)
      await assertStored(backend, 'there', patterned(10))
    },
  },
  {
    name: 'a write or a delete is visible at once to another backend on the same place',
    async run(backend, subject) {
      const other = await subject.reopen(backend)
      await backend.put('seen', patterned(1000))
      await assertStored(other, 'seen', patterned(1000))
      await other.delete(['seen'])
      assert.equal(await backend.stat('seen'), undefined)
      await other.close()
    },
  },
  {
    name: 'place returns the same URL for every backend on the same place, without a password',
    async run(backend, subject) {
      const other = await subject.reopen(backend)
      const place = await backend.place()
      assert.ok(URL.canParse(place))
      assert.equal(new URL(place).password, '')
      assert.equal(await other.place(), place)
      await other.close()
    },
  },
  {
    name: 'freeSpace returns the kind that the capabilities declare, or unknown',
    async run(backend) {
      const free = await backend.freeSpace()
      if (free.kind === 'unknown') return
      assert.equal(free.kind, backend.capabilities.freeSpace)
      if (free.kind === 'unbounded') return
      assert.ok(free.available >= 0 && free.available <= free.total)
    },
  },
  {
    name: 'sweep keeps finished objects of any age',
    async run(backend) {
      await backend.put('finished/a', patterned(100))
      await backend.commit('finished/b', patterned(100))
      await backend.sweep({ olderThan: 0 })
      await assertStored(backend, 'finished/a', patterned(100))
      await assertStored(backend, 'finished/b', patterned(100))
    },
  },
  {
    name: 'sweep keeps unfinished work that is recent, outside its prefix, or not selected by "only"',
    async run(backend, { partBytes }) {
      const { source, paused, resume } = pausingSource(patterned(2 * partBytes, 1), patterned(10, 2))
      const put = backend.put('under/way', source)
      await paused
      for (const options of [
        { olderThan: 3_600_000 },
        { olderThan: 0, prefix: 'elsewhere/' },
        { olderThan: 0, only: () => false },
      ])
        assert.deepEqual((await backend.sweep(options)).discarded, [])
      await backend.sweep({ olderThan: 0, dryRun: true })
      resume()
      await put
      await assertStored(backend, 'under/way', Buffer.concat([patterned(2 * partBytes, 1), patterned(10, 2)]))
    },
  },
  {
    name: 'modifiedAt stays the same, and an object that is stored later never has an earlier one',
    async run(backend) {
      const storedAt = async (key: string): Promise<number> =>
        (await backend.stat(key))?.modifiedAt.getTime() ?? Number.NaN
      await backend.put('first', patterned(10))
      await backend.put('second', patterned(10))
      const first = await storedAt('first')
      assert.ok((await storedAt('second')) >= first)
      assert.equal(await storedAt('first'), first)
    },
  },
  {
    name: 'close can be called twice, and the URL contains no password',
    async run(backend) {
      assert.ok(URL.canParse(backend.url))
      assert.equal(new URL(backend.url).password, '')
      await backend.close()
      await backend.close()
    },
  },
]
