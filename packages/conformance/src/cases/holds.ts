import assert from 'node:assert/strict'
import { patterned } from '../bytes.ts'
import { assertStored, rejectsWith } from '../expect.ts'
import type { Case } from '../subject.ts'

export const holdCases: readonly Case[] = [
  {
    name: 'setHold rejects if the capabilities do not declare holdsObjects',
    notApplicable: ({ holdsObjects }) =>
      holdsObjects === true ? 'the capabilities of the backend declare holdsObjects' : undefined,
    async run(backend) {
      await backend.put('there', patterned(10))
      await rejectsWith(backend.setHold(['there'], { on: true }), 'UNSUPPORTED')
      assert.deepEqual(await backend.delete(['there']), { deleted: ['there'], failed: [] })
    },
  },
  {
    name: 'setHold holds objects until the hold ends, and rejects an absent key',
    notApplicable: ({ holdsObjects }) =>
      holdsObjects === true ? undefined : 'the capabilities of the backend do not declare holdsObjects',
    async run(backend) {
      const keys = ['held/1', 'held/2']
      for (const key of keys) await backend.put(key, patterned(10))
      for (const on of [true, true, false, false]) {
        await backend.setHold(keys, { on })
        for (const key of keys) await assertStored(backend, key, patterned(10))
      }
      assert.deepEqual(await backend.delete(keys), { deleted: keys, failed: [] })
      await rejectsWith(backend.setHold(keys, { on: true }), 'NOT_FOUND')
      await backend.setHold(keys, { on: false })
    },
  },
]
