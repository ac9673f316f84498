import assert from 'node:assert/strict'
import { type CheckpointBackend, type ErrorCode, isHoldfastError } from '@holdfast/core/backend'
import { patterned } from '../bytes.ts'
import { assertNothingLeft, rejectsWith } from '../expect.ts'
import type { Case, FailingBackends, Subject } from '../subject.ts'

type Failing = keyof FailingBackends

export const failureCases: readonly Case[] = [
  {
    name: 'an error names the key and the URL of the store',
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
    name: 'every method that accesses an unreachable store rejects with UNAVAILABLE',
    skipReason: without('UNAVAILABLE'),
    async run(_, subject) {
      await everyMethodFails(subject, 'UNAVAILABLE', 'OUTCOME_UNKNOWN')
    },
  },
  {
    name: 'every method that accesses a store without permission rejects with PERMISSION_DENIED',
    skipReason: without('PERMISSION_DENIED'),
    async run(_, subject) {
      await everyMethodFails(subject, 'PERMISSION_DENIED')
    },
  },
  {
    name: 'put rejects with INSUFFICIENT_SPACE if the store is full, and leaves nothing',
    skipReason: without('INSUFFICIENT_SPACE'),
    async run(_, subject) {
      const backend = await openFailing(subject, 'INSUFFICIENT_SPACE')
      try {
        const { partBytes } = subject
        await rejectsWith(backend.put('too/large', patterned(3 * partBytes)), 'INSUFFICIENT_SPACE')
        await assertNothingLeft(backend, 'too/large')
      } finally {
        await backend.close()
      }
    },
  },
]

/** Leaves out `freeSpace` and `sweep`, because some backends implement them without a request to the store. */
async function everyMethodFails(
  subject: Subject,
  code: Failing,
  ...alsoOfCommit: readonly ErrorCode[]
): Promise<void> {
  const backend = await openFailing(subject, code)
  try {
    await rejectsWith(backend.put('key', patterned(10)), code)
    await rejectsWith(backend.put('key', patterned(3 * subject.partBytes)), code)
    await rejectsWith(backend.commit('key', patterned(10)), code, ...alsoOfCommit)
    await rejectsWith(backend.read('key'), code)
    await rejectsWith(backend.stat('key'), code)
    await rejectsWith(backend.hash('key'), code)
    await rejectsWith(Array.fromAsync(backend.list('')), code)
    await rejectsWith(deleteOrThrow(backend, 'key'), code)
  } finally {
    await backend.close()
  }
}

/** Deletes a key. A delete can report its failure in its result instead of rejecting. Throws that failure, too. */
async function deleteOrThrow(backend: CheckpointBackend, key: string): Promise<void> {
  const [failure] = (await backend.delete([key])).failed
  if (failure !== undefined) throw failure.error
}

function without(code: Failing): (subject: Subject) => string | undefined {
  return ({ failing }) =>
    failing?.[code] === undefined ? `the subject has no option failing.${code}` : undefined
}

async function openFailing({ failing }: Subject, code: Failing): Promise<CheckpointBackend> {
  const open = failing?.[code]
  assert.ok(open !== undefined)
  return open()
}
