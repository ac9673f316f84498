import assert from 'node:assert/strict'
import { assertStored } from '../expect.ts'
import type { Case } from '../subject.ts'

const racers = 16
const rounds = 10

export const commitCases: readonly Case[] = [
  {
    name: 'commit creates an absent key, and later commits return "exists" and change nothing',
    async run(backend, subject) {
      const first = Buffer.from('first')
      assert.equal(await backend.commit('truth', first), 'created')
      assert.equal(await backend.commit('truth', Buffer.from('second')), 'exists')
      const other = await subject.reopen(backend)
      assert.equal(await other.commit('truth', Buffer.from('third')), 'exists')
      await assertStored(other, 'truth', first)
      await other.close()
    },
  },
  {
    name: `exactly one of ${racers} concurrent commits to a key returns "created", and its body is stored`,
    async run(backend, subject) {
      const others = await Promise.all(Array.from({ length: racers - 1 }, () => subject.reopen(backend)))
      for (let round = 0; round < rounds; round += 1) {
        const key = `race/${round}`
        const bodies = Array.from({ length: racers }, (_, racer) =>
          Buffer.from(`racer ${racer} of round ${round}`),
        )
        const outcomes = await Promise.all(
          [backend, ...others].map((racer, index) => racer.commit(key, bodies[index] ?? Buffer.alloc(0))),
        )
        const winners = outcomes.flatMap((outcome, index) => (outcome === 'created' ? [index] : []))
        assert.equal(winners.length, 1, `${winners.length} commits returned "created"`)
        await assertStored(backend, key, bodies[winners[0] ?? -1] ?? Buffer.alloc(0))
      }
      await Promise.all(others.map((other) => other.close()))
    },
  },
  {
    name: 'commit returns "exists" for a key that a put has stored',
    async run(backend) {
      await backend.put('taken', Buffer.from('payload'))
      assert.equal(await backend.commit('taken', Buffer.from('truth')), 'exists')
      await assertStored(backend, 'taken', Buffer.from('payload'))
    },
  },
  {
    name: 'commit creates a key again after a delete',
    async run(backend) {
      assert.equal(await backend.commit('again', Buffer.from('one')), 'created')
      await backend.delete(['again'])
      assert.equal(await backend.commit('again', Buffer.from('two')), 'created')
      await assertStored(backend, 'again', Buffer.from('two'))
    },
  },
  {
    name: 'commit stores an empty body and a body of 1 MiB',
    async run(backend) {
      assert.equal(await backend.commit('empty', new Uint8Array(0)), 'created')
      await assertStored(backend, 'empty', new Uint8Array(0))
      const large = Buffer.alloc(2 ** 20, 'x')
      assert.equal(await backend.commit('large', large), 'created')
      await assertStored(backend, 'large', large)
    },
  },
]
