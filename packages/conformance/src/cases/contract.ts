import assert from 'node:assert/strict'
import type { CallOptions, CheckpointBackend } from '@holdfast/core/backend'
import { inTwoGoes, patterned } from '../bytes.ts'
import { holds, rejectsWith } from '../expect.ts'
import type { Case } from '../subject.ts'

/** A misspelt option, past the compiler as a program in JavaScript would get it. */
const misspelt = { ifAbsnet: true } as CallOptions

export const contractCases: readonly Case[] = [
  {
    name: 'every method refuses an option that it does not know',
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
      await holds(backend, 'there', patterned(10))
    },
  },
  {
    name: 'what one backend has written, another on the same place sees at once',
    async run(backend, subject) {
      const other = await subject.reopen(backend)
      await backend.put('seen', patterned(1000))
      await holds(other, 'seen', patterned(1000))
      await other.delete(['seen'])
      assert.equal(await backend.stat('seen'), undefined)
      await other.close()
    },
  },
  {
    name: 'place names where the objects are, the same for every backend that is opened there',
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
    name: 'freeSpace is of the kind that the capabilities announce',
    async run(backend) {
      const free = await backend.freeSpace()
      assert.equal(free.kind, backend.capabilities.freeSpace)
      if (free.kind === 'unbounded') return
      assert.ok(free.available >= 0 && free.available <= free.total)
    },
  },
  {
    name: 'sweep leaves finished objects alone, whatever their age',
    async run(backend) {
      await backend.put('finished/a', patterned(100))
      await backend.commit('finished/b', patterned(100))
      await backend.sweep({ olderThan: 0 })
      await holds(backend, 'finished/a', patterned(100))
      await holds(backend, 'finished/b', patterned(100))
    },
  },
  {
    name: 'sweep leaves work alone that is younger, meant for another key, or not chosen',
    async run(backend, { partBytes }) {
      const { source, halfWay, goOn } = inTwoGoes(patterned(2 * partBytes, 1), patterned(10, 2))
      const put = backend.put('under/way', source)
      await halfWay
      for (const options of [
        { olderThan: 3_600_000 },
        { olderThan: 0, prefix: 'elsewhere/' },
        { olderThan: 0, only: () => false },
      ])
        assert.deepEqual((await backend.sweep(options)).discarded, [])
      await backend.sweep({ olderThan: 0, dryRun: true })
      goOn()
      await put
      await holds(backend, 'under/way', Buffer.concat([patterned(2 * partBytes, 1), patterned(10, 2)]))
    },
  },
  {
    name: 'modifiedAt is when it was stored, and does not go back',
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
    name: 'closing twice is no error, and the URL holds no secret that the options gave',
    async run(backend) {
      assert.ok(URL.canParse(backend.url))
      assert.equal(new URL(backend.url).password, '')
      await backend.close()
      await backend.close()
    },
  },
]
