import { BatchSampler, Permutation } from '@holdfast/core/data'
import type { Bench } from '../harness/bench.ts'
import { assertEqual } from '../harness/bytes.ts'

const microseconds = 1000

/** Compares an order that is computed with an order that is shuffled in memory. */
export async function sampler(bench: Bench): Promise<void> {
  await seeking(bench)
  await sampling(bench)
}

/** Measures the time to the first sample after a jump into the middle of an epoch. */
async function seeking(bench: Bench): Promise<void> {
  const { samples, materialised, quick } = bench.scale
  const times = quick ? 10 : 2000
  const [ours, theirs] = [
    `Holdfast, ${exponent(samples)} samples`,
    `a shuffled array, ${exponent(materialised)} samples`,
  ]
  const state = new BatchSampler({ samples, order: 'shuffled', seed: 42, batchSize: 1 }).stateDict()
  let first: number | undefined
  let shuffled = new Uint32Array(0)
  await bench.measure({
    name: 'Build a sampler, go to the middle of an epoch, and take one sample',
    unit: 'us',
    contenders: [
      {
        name: ours,
        run: async () => {
          const began = performance.now()
          for (let done = 0; done < times; done += 1) {
            const sampler = new BatchSampler({ samples, order: 'shuffled', seed: 42, batchSize: 1 })
            sampler.loadStateDict({ ...state, epoch: 3, position: samples / 2 })
            for (const [index] of sampler) {
              first = index
              break
            }
          }
          return ((performance.now() - began) / times) * microseconds
        },
        verify: async () => {
          assertEqual(first, new Permutation(samples, 42, 3).at(samples / 2), 'The sample in the middle')
        },
      },
      {
        name: theirs,
        run: async () => {
          const began = performance.now()
          shuffled = shuffledArray(materialised)
          first = shuffled[materialised / 2]
          return (performance.now() - began) * microseconds
        },
        verify: async () => {
          assertEqual(
            new Set(shuffled.subarray(0, 1e6)).size,
            Math.min(1e6, materialised),
            'The count of different samples',
          )
        },
      },
    ],
    comparisons: [{ text: theirs, of: ours, against: { which: 'fastest', names: [theirs] } }],
    bounds: [{ text: 'microseconds to build and seek', of: ours, limit: 1000 }],
  })
}

/** Measures the time per sample when samples are taken in order. */
async function sampling(bench: Bench): Promise<void> {
  const { samples, quick } = bench.scale
  const taken = quick ? 1000 : 1_000_000
  const name = `Holdfast, ${exponent(samples)} samples`
  let last: number | undefined
  await bench.measure({
    name: 'Take a sample, in batches of 256 (each)',
    unit: 'us',
    contenders: [
      {
        name,
        run: async () => {
          const sampler = new BatchSampler({ samples, order: 'shuffled', seed: 42, batchSize: 256 })
          const began = performance.now()
          let count = 0
          for (const indices of sampler) {
            last = indices.at(-1)
            count += indices.length
            if (count >= taken) break
          }
          return ((performance.now() - began) / count) * microseconds
        },
        verify: async () => {
          const position = Math.ceil(taken / 256) * 256 - 1
          assertEqual(last, new Permutation(samples, 42, 0).at(position), 'The last sample')
        },
      },
    ],
    bounds: [{ text: 'one microsecond per sample', of: name, limit: 1 }],
  })
}

/** Shuffles with the algorithm of Fisher and Yates. */
function shuffledArray(size: number): Uint32Array<ArrayBuffer> {
  const order = Uint32Array.from({ length: size }, (_, index) => index)
  for (let last = size - 1; last > 0; last -= 1) {
    const other = Math.floor(Math.random() * (last + 1))
    const moved = order[last] ?? 0
    order[last] = order[other] ?? 0
    order[other] = moved
  }
  return order
}

function exponent(count: number): string {
  return `10^${Math.log10(count)}`
}
