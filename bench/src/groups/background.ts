import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as after } from 'node:timers/promises'
import type { Bench } from '../harness/bench.ts'
import { assertEqual, randomBytes, sha256Of } from '../harness/bytes.ts'
import type { Contender } from '../harness/work.ts'
import { SavingInBackground } from '../fixtures/saving-in-background.ts'

const nanosecondsPerMillisecond = 1e6

/** Measures how much a background save disturbs a training loop. */
export async function background(bench: Bench): Promise<void> {
  const bytes = randomBytes(bench.scale.backgroundBytes)
  await blocking(bench, bytes)
  await stalling(bench, bytes)
}

/** Measures how long the caller waits until it may change its bytes again. */
async function blocking(bench: Bench, bytes: Uint8Array): Promise<void> {
  const copying = 'copying the bytes once'
  const saving = new SavingInBackground(bench, 'blocking', bytes)
  let copy = new Uint8Array(0)
  await bench.measure(
    {
      name: 'Time for which a background save of bytes blocks the caller',
      bytes: bytes.byteLength,
      contenders: [
        {
          name: 'Holdfast',
          prepare: () => saving.prepare(),
          run: async () => {
            await saving.begin()
            return undefined
          },
          verify: () => saving.verify(),
        },
        {
          name: copying,
          prepare: async () => {
            copy = new Uint8Array(0)
            await saving.ended()
          },
          run: async () => {
            copy = new Uint8Array(bytes)
            return undefined
          },
          verify: async () => {
            assertEqual(sha256Of(copy), sha256Of(bytes), 'The digest of the copy')
          },
        },
      ],
      comparisons: [
        { text: copying, of: 'Holdfast', against: { which: 'fastest', names: [copying] }, atMost: 1.1 },
      ],
    },
    { onDisk: true },
  )
  await saving.close()
}

/** Measures the 99th percentile of the event-loop delay during a background save. */
async function stalling(bench: Bench, bytes: Uint8Array): Promise<void> {
  const saving = new SavingInBackground(bench, 'stalling', bytes)
  const during = 'while Holdfast saves'
  let idleFor = 100
  const contenders: readonly Contender[] = [
    {
      name: during,
      prepare: () => saving.prepare(),
      run: async () => {
        await saving.begin()
        const began = performance.now()
        const delay = await delayDuring(saving.ended())
        idleFor = performance.now() - began
        return delay
      },
      verify: () => saving.verify(),
    },
    { name: 'while nothing happens', run: () => delayDuring(after(idleFor)), verify: async () => undefined },
  ]
  await bench.measure(
    {
      name: 'Event-loop delay, 99th percentile',
      contenders,
      bounds: [{ text: '99th percentile of the event-loop delay', of: during, limit: 10 }],
    },
    { onDisk: true },
  )
  await saving.close()
}

async function delayDuring(work: Promise<unknown>): Promise<number> {
  const histogram = monitorEventLoopDelay({ resolution: 1 })
  histogram.enable()
  await work
  histogram.disable()
  // The histogram includes the interval of its own timer (1 ms), which is not a delay.
  return Math.max(0, histogram.percentile(99) / nanosecondsPerMillisecond - 1)
}
