import { readFile } from 'node:fs/promises'
import { setTimeout as after } from 'node:timers/promises'
import type { Bench } from '../harness/bench.ts'
import { assertEqual, randomBytes, sha256Of } from '../harness/bytes.ts'
import { type Job, timeOfStep } from '../jobs/job.ts'
import { startThreads } from '../jobs/threads.ts'
import { startTorch } from '../jobs/torch.ts'
import { writeAtRate } from '../peers/write-at-rate.ts'
import { SavingInBackground } from '../fixtures/saving-in-background.ts'

/** A job may lose 5 % of its speed. */
const largestLoss = 1.05

/** The default of `background.rateWhileBusy`, in bytes per second. */
const defaultRate = 16 * 2 ** 20

/** The shortest time in milliseconds for which the job runs alone. */
const leastAlone = 200

/** Measures how much slower jobs that use every core become, while a save runs in the background with default settings. */
export async function neighbour(bench: Bench): Promise<void> {
  const bytes = randomBytes(bench.scale.backgroundBytes)
  {
    await using threads = startThreads()
    await saveBeside(bench, bytes, threads, 'A step of a job of JavaScript that uses every core')
  }
  const torch = await startTorch()
  if ('why' in torch) {
    bench.leaveOut('a job with PyTorch', torch.why)
    return
  }
  await using _ = torch
  await saveBeside(bench, bytes, torch, 'A matrix product of PyTorch, in a job that uses every core')
}

async function saveBeside(bench: Bench, bytes: Uint8Array, job: Job, name: string): Promise<void> {
  const saving = new SavingInBackground(bench, 'neighbour', bytes)
  const beside = 'the job, while Holdfast saves'
  const plain = 'the job, while a program writes 16 MiB/s'
  const alone = 'the job alone'
  let lastFor = leastAlone
  let written = ''
  await bench.measure(
    {
      name,
      unit: 'us',
      contenders: [
        {
          name: beside,
          prepare: () => saving.prepare(),
          run: () =>
            timeOfStep(job, async () => {
              const began = performance.now()
              await saving.begin()
              await saving.ended()
              lastFor = performance.now() - began
            }),
          verify: () => saving.verify(),
        },
        {
          name: plain,
          prepare: async () => {
            written = await bench.fresh('written')
          },
          run: () => timeOfStep(job, () => writeAtRate(written, bytes, defaultRate)),
          verify: async () => {
            assertEqual(sha256Of(await readFile(written)), sha256Of(bytes), 'The digest of the written file')
          },
        },
        {
          name: alone,
          run: () => timeOfStep(job, () => after(Math.max(leastAlone, lastFor))),
          verify: async () => undefined,
        },
      ],
      comparisons: [
        { text: alone, of: beside, against: { which: 'fastest', names: [alone] }, atMost: largestLoss },
        { text: alone, of: plain, against: { which: 'fastest', names: [alone] } },
      ],
    },
    { onDisk: true },
  )
  await saving.close()
}
