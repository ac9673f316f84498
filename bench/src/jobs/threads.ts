import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import type { Job } from './job.ts'

/** Computes without end, and counts its steps. A step takes well below a millisecond. */
const program = `
const { workerData: { steps, index } } = require('node:worker_threads')
let value = 1
for (;;) {
  for (let turn = 0; turn < 100_000; turn += 1) value = Math.sqrt(value + turn)
  Atomics.add(steps, index, 1)
}
`

/** Starts a job with one thread of this process for each core. */
export function startThreads(): Job {
  const counts = new Int32Array(new SharedArrayBuffer(availableParallelism() * Int32Array.BYTES_PER_ELEMENT))
  const threads = Array.from(counts, (_, index) => {
    return new Worker(program, { eval: true, execArgv: [], workerData: { steps: counts, index } })
  })
  return {
    steps: async () => counts.reduce((sum, steps) => sum + steps, 0),
    [Symbol.asyncDispose]: async () => {
      await Promise.all(threads.map((thread) => thread.terminate()))
    },
  }
}
