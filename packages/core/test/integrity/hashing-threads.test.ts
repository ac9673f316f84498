import { syncBuiltinESMExports } from 'node:module'
import workerThreads from 'node:worker_threads'
import { expect, onTestFinished, test } from 'vitest'
import { ThreadHash } from '../../src/integrity/thread-hash.ts'

const { Worker } = workerThreads

/** Returns a function that returns how many threads were started since this call. */
function countStarts(): () => number {
  let starts = 0
  workerThreads.Worker = class extends Worker {
    constructor(...parameters: ConstructorParameters<typeof Worker>) {
      starts += 1
      super(...parameters)
    }
  }
  syncBuiltinESMExports()
  onTestFinished(() => {
    workerThreads.Worker = Worker
    syncBuiltinESMExports()
  })
  return () => starts
}

async function begin(threads: number): Promise<void> {
  const hash = await ThreadHash.begin('sha256', threads)
  onTestFinished(() => hash?.abandon())
}

test('starts a thread for each hash, up to the number that the caller allows', async () => {
  const starts = countStarts()
  await begin(1)
  await begin(1)
  expect(starts()).toBe(1)
  await begin(3)
  await begin(3)
  expect(starts()).toBe(3)
  await begin(3)
  expect(starts()).toBe(3)
})
