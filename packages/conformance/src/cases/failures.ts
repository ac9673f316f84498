import assert from 'node:assert/strict'
import { type CheckpointBackend, type ErrorCode, isHoldfastError } from '@holdfast/core/backend'
import { patterned } from '../bytes.ts'
import { leavesNothing, rejectsWith } from '../expect.ts'
import type { Case, FailingBackends, Subject } from '../subject.ts'

type Failing = keyof FailingBackends

export const failureCases: readonly Case[] = [
  {
    name: 'an error says which key of which store it is about',
    async run(backend) {
      for (const call of [() => backend.read('absent'), () => backend.hash('absent')])
        await assert.rejects(call, (error) => {
          assert.ok(isHoldfastError(error))
          assert.deepEqual([error.key, error.url], ['absent', backend.url])
          return true
        })
    },
  },
  {
    name: 'a store that cannot be reached is UNAVAILABLE to every method that asks it',
    notAsked: without('UNAVAILABLE'),
    async run(_, subject) {
      await everyMethodFails(subject, 'UNAVAILABLE', 'OUTCOME_UNKNOWN')
    },
  },
  {
    name: 'a store that does not let us in is PERMISSION_DENIED to every method that asks it',
    notAsked: without('PERMISSION_DENIED'),
    async run(_, subject) {
      await everyMethodFails(subject, 'PERMISSION_DENIED')
    },
  },
  {
    name: 'put into a store that is full is INSUFFICIENT_SPACE, and leaves nothing',
    notAsked: without('INSUFFICIENT_SPACE'),
    async run(_, subject) {
      const backend = await openFailing(subject, 'INSUFFICIENT_SPACE')
      try {
        const { partBytes } = subject
        await rejectsWith(backend.put('too/large', patterned(3 * partBytes)), 'INSUFFICIENT_SPACE')
        await leavesNothing(backend, 'too/large')
      } finally {
        await backend.close()
      }
    },
  },
]

/** Not `freeSpace` and `sweep`: some stores have nothing to be asked for them. */
async function everyMethodFails(
  subject: Subject,
  code: Failing,
  ...ofCommitAlso: readonly ErrorCode[]
): Promise<void> {
  const backend = await openFailing(subject, code)
  try {
    await rejectsWith(backend.put('key', patterned(10)), code)
    await rejectsWith(backend.put('key', patterned(3 * subject.partBytes)), code)
    await rejectsWith(backend.commit('key', patterned(10)), code, ...ofCommitAlso)
    await rejectsWith(backend.read('key'), code)
    await rejectsWith(backend.stat('key'), code)
    await rejectsWith(backend.hash('key'), code)
    await rejectsWith(Array.fromAsync(backend.list('')), code)
    await rejectsWith(deleteOrThrow(backend, 'key'), code)
  } finally {
    await backend.close()
  }
}

/** A delete that fails says so by rejecting, or in its report. */
async function deleteOrThrow(backend: CheckpointBackend, key: string): Promise<void> {
  const [failure] = (await backend.delete([key])).failed
  if (failure !== undefined) throw failure.error
}

function without(code: Failing): (subject: Subject) => string | undefined {
  return ({ failing }) =>
    failing?.[code] === undefined ? `the subject has no backend that fails with ${code}` : undefined
}

async function openFailing({ failing }: Subject, code: Failing): Promise<CheckpointBackend> {
  const open = failing?.[code]
  assert.ok(open !== undefined)
  return open()
}
