import { availableParallelism } from 'node:os'
import { setTimeout as after } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import type { Bench } from './harness/bench.ts'
import { randomBytes } from './harness/bytes.ts'
import { SavingInBackground } from './saving-in-background.ts'

/** Computes without end, and counts its steps. A step takes well below a millisecond. */
const program = `
const { workerData: { steps, index } } = require('node:worker_threads')
let value = 1
for (;;) {
  for (let turn = 0; turn < 100_000; turn += 1) value = Math.sqrt(value + turn)
  Atomics.add(steps, index, 1)
}
`

/** The share of its speed that the job may lose. */
const largestLoss = 1.05

/** Measures how much slower a job becomes that uses every core, while a save runs in the background. */
export async function neighbour(bench: Bench): Promise<void> {
  const saving = new SavingInBackground(bench, 'neighbour', randomBytes(bench.scale.backgroundBytes))
  await using job = new Job()
  const [beside, alone] = ['the job, while Holdfast saves', 'the job alone']
  let lastFor = 200
  await bench.measure(
    {
      name: 'A step of a job that uses every core',
      unit: 'us',
      contenders: [
        {
          name: beside,
          prepare: () => saving.prepare(),
          run: () =>
            job.timeOfStep(async () => {
              const began = performance.now()
              await saving.begin()
              await saving.ended()
              lastFor = performance.now() - began
            }),
          verify: () => saving.verify(),
        },
        {
          name: alone,
          run: () => job.timeOfStep(() => after(Math.max(200, lastFor))),
          verify: async () => undefined,
        },
      ],
      comparisons: [
        { text: alone, of: beside, against: { which: 'fastest', names: [alone] }, atMost: largestLoss },
      ],
    },
    { onDisk: true },
  )
  await saving.close()
}

/** A job with one thread for each core. It runs all the time. */
class Job implements AsyncDisposable {
  readonly #steps = new Int32Array(
    new SharedArrayBuffer(availableParallelism() * Int32Array.BYTES_PER_ELEMENT),
  )
  readonly #threads = Array.from(this.#steps, (_, index) => {
    return new Worker(program, { eval: true, execArgv: [], workerData: { steps: this.#steps, index } })
  })

  /** Returns the mean time of a step in microseconds, counted over all cores, while `work` runs. */
  async timeOfStep(work: () => Promise<unknown>): Promise<number> {
    const before = this.#count()
    const began = performance.now()
    await work()
    return ((performance.now() - began) * 1000) / Math.max(1, this.#count() - before)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#threads.map((thread) => thread.terminate()))
  }

  #count(): number {
    return this.#steps.reduce((sum, steps) => sum + steps, 0)
  }
}
