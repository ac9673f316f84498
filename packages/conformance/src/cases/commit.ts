import assert from 'node:assert/strict'
import { holds } from '../expect.ts'
import type { Case } from '../subject.ts'

const racers = 16
const rounds = 10

export const commitCases: readonly Case[] = [
  {
    name: 'commit creates a key that is absent, and the first body stands against every later one',
    async run(backend, subject) {
      const first = Buffer.from('first')
      assert.equal(await backend.commit('truth', first), 'created')
      assert.equal(await backend.commit('truth', Buffer.from('second')), 'exists')
      const other = await subject.reopen(backend)
      assert.equal(await other.commit('truth', Buffer.from('third')), 'exists')
      await holds(other, 'truth', first)
      await other.close()
    },
  },
  {
    name: `of ${racers} racing commits exactly one is told "created", and its body stands`,
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
        assert.equal(winners.length, 1, `${winners.length} were told "created"`)
        await holds(backend, key, bodies[winners[0] ?? -1] ?? Buffer.alloc(0))
      }
      await Promise.all(others.map((other) => other.close()))
    },
  },
  {
    name: 'commit to a key that a put stored answers "exists"',
    async run(backend) {
      await backend.put('taken', Buffer.from('payload'))
      assert.equal(await backend.commit('taken', Buffer.from('truth')), 'exists')
      await holds(backend, 'taken', Buffer.from('payload'))
    },
  },
  {
    name: 'commit after a delete creates anew',
    async run(backend) {
      assert.equal(await backend.commit('again', Buffer.from('one')), 'created')
      await backend.delete(['again'])
      assert.equal(await backend.commit('again', Buffer.from('two')), 'created')
      await holds(backend, 'again', Buffer.from('two'))
    },
  },
  {
    name: 'commit takes an empty body, and one of a mebibyte',
    async run(backend) {
      assert.equal(await backend.commit('empty', new Uint8Array(0)), 'created')
      await holds(backend, 'empty', new Uint8Array(0))
      const large = Buffer.alloc(2 ** 20, 'x')
      assert.equal(await backend.commit('large', large), 'created')
      await holds(backend, 'large', large)
    },
  },
]
