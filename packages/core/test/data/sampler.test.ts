import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { BatchSampler, type BatchOptions, type OrderOptions } from '../../src/data.ts'
import { Tally } from './uniformity.ts'
import { vectors } from './vectors.ts'

type LastBatch = NonNullable<BatchOptions['lastBatch']>

/** A group of workers that train together for some steps, or to the end of the epochs. */
interface Shift {
  readonly worldSize: number
  readonly batchSize: number
  /** Number of steps before the workers are stopped. */
  readonly steps: number
}

interface Run {
  /** The samples that all workers together received in each epoch, in the global order. */
  readonly epochs: readonly (readonly number[])[]
  /** For each epoch, the number of samples in one step of the workers that ended it. */
  readonly stepSizes: readonly number[]
  /** The batches of all workers, step by step. */
  readonly batches: readonly (readonly (readonly number[])[])[]
}

/** Runs the shifts in turn. Each shift starts from only the state that a worker of the previous shift saved. */
function run(
  samples: number,
  order: OrderOptions,
  lastBatch: LastBatch,
  epochs: number,
  shifts: readonly Shift[],
): Run {
  const delivered: number[][] = Array.from({ length: epochs }, () => [])
  const stepSizes: number[] = []
  const batches: (readonly (readonly number[])[])[] = []
  let saved: string | undefined
  for (const { worldSize, batchSize, steps } of shifts) {
    const workers = Array.from({ length: worldSize }, (_, rank) => {
      const sampler = new BatchSampler({ ...order, samples, batchSize, lastBatch, worldSize, rank })
      if (saved !== undefined) sampler.loadStateDict(JSON.parse(saved))
      return sampler
    })
    const [first] = workers
    if (first === undefined) throw new Error('A shift must have at least one worker')
    let left = steps
    for (let { epoch } = first; epoch < epochs && left > 0; epoch += 1) {
      const iterators = workers.map((worker) => worker[Symbol.iterator]())
      for (; left > 0; left -= 1) {
        const turns = iterators.map((iterator) => iterator.next())
        const step = turns.flatMap((turn) => (turn.done === true ? [] : [turn.value]))
        if (step.length === 0) break
        expect(step.length, 'all workers have the same number of batches').toBe(worldSize)
        const states = workers.map((worker) => JSON.stringify(worker.stateDict()))
        expect(new Set(states).size, 'the state is the same on all workers').toBe(1)
        delivered[epoch]?.push(...dealtBack(step))
        batches.push(step)
        if (first.epoch > epoch) stepSizes[epoch] = worldSize * batchSize
      }
      if (first.epoch > epoch) stepSizes[epoch] ??= worldSize * batchSize
    }
    saved = JSON.stringify(first.stateDict())
  }
  return { epochs: delivered, stepSizes, batches }
}

/** Restores the global order of a step: takes one sample of each worker in turn. */
function dealtBack(step: readonly (readonly number[])[]): readonly number[] {
  const rounds = Math.max(...step.map((batch) => batch.length))
  return Array.from({ length: rounds }, (_, round) =>
    step.flatMap((batch) => batch.slice(round, round + 1)),
  ).flat()
}

function wholeOrder(samples: number, order: OrderOptions, epoch: number): readonly number[] {
  const sampler = new BatchSampler({ ...order, samples, batchSize: 1 })
  sampler.loadStateDict({ ...sampler.stateDict(), epoch })
  return [...sampler].flat()
}

const size = fc.integer({ min: 1, max: 120 })
const orders = fc.oneof(
  fc.record({ order: fc.constantFrom('sequential' as const, 'shuffled' as const), seed: fc.maxSafeNat() }),
  fc.record({ order: fc.constant('drawn' as const), seed: fc.maxSafeNat(), draws: size }),
)
const shift = fc.record({
  worldSize: fc.integer({ min: 1, max: 5 }),
  batchSize: fc.integer({ min: 1, max: 8 }),
  steps: fc.integer({ min: 0, max: 20 }),
})
const shifts = fc.array(shift, { maxLength: 5 })
const epochs = 3

describe('if stopped anywhere and resumed on any number of workers', () => {
  test('`short` delivers each position of the order exactly once per epoch', () => {
    fc.assert(
      fc.property(size, orders, shifts, shift, (samples, order, before, last) => {
        const ran = run(samples, order, 'short', epochs, [...before, { ...last, steps: Infinity }])
        for (const [epoch, delivered] of ran.epochs.entries())
          expect(delivered).toEqual(wholeOrder(samples, order, epoch))
      }),
      { numRuns: 400 },
    )
  })

  test('`drop` misses less than one step of samples per epoch, from the end of the order', () => {
    fc.assert(
      fc.property(size, orders, shifts, shift, (samples, order, before, last) => {
        const all = [...before, { ...last, steps: Infinity }]
        const length = order.order === 'drawn' ? order.draws : samples
        fc.pre(all.every(({ worldSize, batchSize }) => worldSize * batchSize <= length))
        const ran = run(samples, order, 'drop', epochs, all)
        for (const [epoch, delivered] of ran.epochs.entries()) {
          expect(delivered).toEqual(wholeOrder(samples, order, epoch).slice(0, delivered.length))
          expect(length - delivered.length).toBeLessThan(ran.stepSizes[epoch] ?? 0)
        }
      }),
      { numRuns: 400 },
    )
  })

  test('`wrap` delivers the whole order, then its beginning again to fill the last step', () => {
    fc.assert(
      fc.property(size, orders, shifts, shift, (samples, order, before, last) => {
        const ran = run(samples, order, 'wrap', epochs, [...before, { ...last, steps: Infinity }])
        for (const [epoch, delivered] of ran.epochs.entries()) {
          const whole = wholeOrder(samples, order, epoch)
          const filling = delivered.slice(whole.length)
          expect(delivered.slice(0, whole.length)).toEqual(whole)
          expect(filling).toEqual(filling.map((_, index) => whole[index % whole.length]))
          expect(filling.length).toBeLessThan(ran.stepSizes[epoch] ?? 0)
        }
      }),
      { numRuns: 400 },
    )
  })

  test('the same workers receive the same batches as in an uninterrupted run', () => {
    fc.assert(
      fc.property(
        size,
        orders,
        fc.constantFrom<LastBatch>('short', 'drop', 'wrap'),
        shift,
        fc.array(fc.integer({ min: 0, max: 20 }), { maxLength: 5 }),
        (samples, order, lastBatch, workers, cuts) => {
          const length = order.order === 'drawn' ? order.draws : samples
          fc.pre(lastBatch !== 'drop' || workers.worldSize * workers.batchSize <= length)
          const toTheEnd = { ...workers, steps: Infinity }
          const stopped = [...cuts.map((steps) => ({ ...workers, steps })), toTheEnd]
          expect(run(samples, order, lastBatch, epochs, stopped).batches).toEqual(
            run(samples, order, lastBatch, epochs, [toTheEnd]).batches,
          )
        },
      ),
      { numRuns: 400 },
    )
  })
})

describe('a sampler', () => {
  test('ends an epoch with the state of the beginning of the next', () => {
    const options = { samples: 10, order: 'shuffled', seed: 1, batchSize: 5 } as const
    const sampler = new BatchSampler(options)
    const seen: string[] = []
    for (const batch of sampler)
      seen.push(`${batch.length} of epoch 0, then ${sampler.epoch}/${sampler.position}`)
    expect(seen).toEqual(['5 of epoch 0, then 0/5', '5 of epoch 0, then 1/0'])
    const resumed = new BatchSampler(options)
    resumed.loadStateDict(sampler.stateDict())
    expect([...resumed].flat()).toEqual(wholeOrder(10, options, 1))
    expect(resumed.stateDict()).toMatchObject({ epoch: 2, position: 0 })
  })

  test('does not deliver dropped samples after a resume with smaller batches', () => {
    const options = { samples: 10, order: 'sequential', lastBatch: 'drop' } as const
    const before = new BatchSampler({ ...options, batchSize: 4 })
    const iterator = before[Symbol.iterator]()
    iterator.next()
    iterator.next()
    expect(before.stateDict()).toMatchObject({ epoch: 1, position: 0 })
    const after = new BatchSampler({ ...options, batchSize: 1 })
    after.loadStateDict(before.stateDict())
    expect([...after].length).toBe(10)
  })

  test('yields an empty batch to some workers if fewer samples than workers are left', () => {
    const options = { samples: 10, order: 'sequential', batchSize: 2, worldSize: 4 } as const
    const rows = [0, 1, 2, 3].map((rank) => [...new BatchSampler({ ...options, rank })])
    expect(rows).toEqual([
      [[0, 4], [8]],
      [[1, 5], [9]],
      [[2, 6], []],
      [[3, 7], []],
    ])
  })

  test('ends the epoch with `drop` if more workers resume and too few samples for one step are left', () => {
    const before = new BatchSampler({ samples: 10, order: 'sequential', batchSize: 2, lastBatch: 'drop' })
    for (const _ of before) if (before.position === 8) break
    const after = new BatchSampler({
      samples: 10,
      order: 'sequential',
      batchSize: 2,
      lastBatch: 'drop',
      worldSize: 5,
    })
    after.loadStateDict(before.stateDict())
    expect(after.batchesLeft).toBe(0)
    expect([...after]).toEqual([])
    expect(after.stateDict()).toMatchObject({ epoch: 1, position: 0 })
    expect([...after].length).toBe(1)
  })

  test('counts the remaining batches in batchesLeft', () => {
    fc.assert(
      fc.property(
        size,
        shift,
        fc.constantFrom<LastBatch>('short', 'drop', 'wrap'),
        (samples, workers, lastBatch) => {
          const { worldSize, batchSize, steps } = workers
          fc.pre(lastBatch !== 'drop' || worldSize * batchSize <= samples)
          const sampler = new BatchSampler({ samples, order: 'shuffled', batchSize, worldSize, lastBatch })
          const position = steps % samples
          sampler.loadStateDict({ ...sampler.stateDict(), position })
          const told = sampler.batchesLeft
          expect([...sampler].length).toBe(told)
        },
      ),
    )
  })

  test('continues after the last batch when the loop is left and entered again', () => {
    const sampler = new BatchSampler({ samples: 7, order: 'sequential', batchSize: 3 })
    for (const batch of sampler) if (batch.includes(0)) break
    expect([...sampler]).toEqual([[3, 4, 5], [6]])
    expect([...sampler].flat()).toEqual([0, 1, 2, 3, 4, 5, 6])
  })

  test('starts at any position of 10^9 samples without a table', () => {
    const options = {
      samples: 1_000_000_000,
      order: 'shuffled',
      batchSize: 4,
      worldSize: 8,
      rank: 3,
    } as const
    const seen = new Set<number>()
    for (let turn = 0; turn < 1000; turn += 1) {
      const sampler = new BatchSampler(options)
      sampler.loadStateDict({ ...sampler.stateDict(), position: turn * 999_983 })
      for (const batch of sampler) {
        batch.forEach((index) => seen.add(index))
        break
      }
    }
    expect(seen.size).toBe(4000)
  })

  test('refuses two iterations at once, which would divide the samples between them', () => {
    const sampler = new BatchSampler({ samples: 9, order: 'sequential', batchSize: 3 })
    const [one, other] = [sampler[Symbol.iterator](), sampler[Symbol.iterator]()]
    one.next()
    other.next()
    expect(() => one.next()).toThrow('The iteration cannot continue')
  })
})

describe('the drawn order', () => {
  test('draws samples equally often without weights, and in proportion to weights', () => {
    const even = new Tally<number>()
    for (const index of new BatchSampler({ samples: 9, order: 'drawn', draws: 50_000, batchSize: 50_000 }))
      index.forEach((each) => {
        even.add(each)
      })
    expect(even.unevennessOver(9)).toBeLessThan(4)

    const weights = [0, 1, 0, 2.5, 0.5, 0]
    const drawn = wholeOrder(6, { order: 'drawn', draws: 40_000, weights }, 5)
    expect([0, 2, 5].filter((never) => drawn.includes(never))).toEqual([])
    for (const [sample, share] of [1, 3, 4].map((each) => [each, (weights[each] ?? 0) / 4] as const)) {
      const times = drawn.filter((index) => index === sample).length
      const deviation = Math.sqrt(drawn.length * share * (1 - share))
      expect(Math.abs(times - drawn.length * share)).toBeLessThan(4 * deviation)
    }
  })

  test.each(vectors.draws)(
    'matches the test vector for $samples samples, seed $seed, epoch $epoch',
    ({ samples, seed, epoch, positions, drawn, weights, weightsSha256 }) => {
      const order = { order: 'drawn', seed, draws: 2 ** 31, weights } as const
      const sampler = new BatchSampler({ ...order, samples, batchSize: 1 })
      const state = sampler.stateDict()
      expect('weights' in state ? state.weights : undefined).toBe(weightsSha256)
      const atPosition = positions.map((position) => {
        sampler.loadStateDict({ ...state, epoch, position })
        return sampler[Symbol.iterator]().next().value
      })
      expect(atPosition).toEqual(drawn.map((sample) => [sample]))
    },
  )

  test('draws different samples in each epoch', () => {
    const order = { order: 'drawn', seed: 5 } as const
    expect(wholeOrder(50, order, 0)).not.toEqual(wholeOrder(50, order, 1))
    expect(wholeOrder(50, order, 1)).toEqual(wholeOrder(50, order, 1))
  })
})

test.each([
  [{ samples: 0 }, 'The number of samples must be a whole number from 1'],
  [{ samples: 2.5 }, 'The number of samples'],
  [{ batchSize: 0 }, 'batchSize must be a whole number from 1'],
  [{ worldSize: 0 }, 'worldSize must be'],
  [{ worldSize: 2, rank: 2 }, 'rank must be a whole number from 0 to 1, not 2'],
  [{ batchSize: 2 ** 40, worldSize: 2 ** 40 }, 'batchSize * worldSize must be a whole number from 1'],
  [{ seed: -1 }, 'seed must be'],
  [{ lastBatch: 'keep' }, `lastBatch must be 'short', 'drop' or 'wrap', not "keep"`],
  [{ order: 'random' }, `order must be 'shuffled', 'sequential' or 'drawn', not "random"`],
  [{ batchSise: 3 }, 'A sampler has no option "batchSise"'],
  [{ batchSize: 11, lastBatch: 'drop' }, 'All 10 samples would be dropped: one step of all ranks takes 11'],
  [{ order: 'drawn', draws: 0 }, 'draws must be'],
  [{ order: 'drawn', weights: [1, 2] }, 'weights has 2 elements for 10 samples'],
  [
    { order: 'drawn', weights: Array(10).fill(0) },
    'The sum of weights must be finite and greater than 0, not 0',
  ],
  [
    { order: 'drawn', weights: [...Array<number>(9).fill(1), -1] },
    'weights[9] must be a finite number of at least 0, not -1',
  ],
  [
    { order: 'drawn', weights: [...Array<number>(9).fill(1), Number.NaN] },
    'weights[9] must be a finite number of at least 0, not NaN',
  ],
  [
    { order: 'drawn', weights: [...Array<number>(9).fill(1), Infinity] },
    'must be finite and greater than 0, not Infinity',
  ],
])('refuses a sampler with %j', (wrong, message) => {
  const options = { samples: 10, order: 'shuffled', batchSize: 2, ...wrong }
  expect(() => new BatchSampler(options as never)).toThrow(message)
})
