import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  evaluate,
  Evaluations,
  type MetricObjective,
  type MetricRecord,
  type Objectives,
  type Plateau,
  plateauOf,
  type Smoothing,
} from '../../src/metrics/index.ts'

const low = { metric: 'm', direction: 'min', patience: 3 } as const

/** Saves values in sequence. A repeated step replaces the earlier one, as in a store. */
function recorded(...saves: readonly (readonly [step: number, value: number])[]): readonly MetricRecord[] {
  const records = new Map<number, MetricRecord>()
  for (const [base, [step, value]] of saves.entries())
    records.set(step, { step, metrics: { m: value }, order: { segment: 0, base } })
  return [...records.values()].sort((one, other) => one.step - other.step)
}

function judged(records: readonly MetricRecord[], objective: MetricObjective): Evaluations {
  return evaluate([records], { it: objective }).get('it') ?? Evaluations.none
}

function plateau(records: readonly MetricRecord[], objective: MetricObjective = low): Plateau {
  return plateauOf(judged(records, objective), objective)
}

const descent = Array.from({ length: 10 }, (_, step) => [step, step < 4 ? 10 - step : 9] as const)

test('ends a plateau if a run goes back and improves, and counts from there', () => {
  expect(plateau(recorded(...descent))).toMatchObject({ best: { step: 3 }, valuesSince: 6, reached: true })
  const back = [
    [4, 6],
    [5, 5],
  ] as const
  expect(plateau(recorded(...descent, ...back))).toMatchObject({
    best: { step: 5 },
    valuesSince: 0,
    stepsSince: 0,
    reached: false,
  })
  const worse = [
    [6, 8],
    [7, 8],
    [8, 8],
  ] as const
  expect(plateau(recorded(...descent, ...back, ...worse))).toMatchObject({
    best: { step: 5 },
    valuesSince: 3,
    stepsSince: 3,
    reached: true,
  })
})

test('continues a plateau if a run goes back and does not improve', () => {
  expect(plateau(recorded(...descent, [1, 9], [2, 9]))).toMatchObject({
    best: { step: 3 },
    valuesSince: 8,
    stepsSince: 0,
    reached: true,
  })
})

test('chooses the earlier recorded of equal values, unless the objective prefers the later', () => {
  const records = recorded([0, 5], [9, 1], [3, 1])
  expect(plateau(records).best?.step).toBe(9)
  expect(plateau(records, { ...low, ties: 'later' }).best?.step).toBe(3)
})

test('ends a warm-up after its number of recorded values, or at its step', () => {
  const records = recorded([5, 1], [6, 2], [1, 3], [2, 4], [7, 5])
  expect([...judged(records, { ...low, warmUp: { values: 3 } }).steps]).toEqual([1, 2, 7])
  expect(plateau(records, { ...low, warmUp: { values: 3 } })).toMatchObject({
    best: { step: 1 },
    valuesSince: 2,
  })
  expect([...judged(records, { ...low, warmUp: { step: 6 } }).steps]).toEqual([6, 7])
  expect(plateau(records, { ...low, warmUp: { step: 2 } })).toMatchObject({
    best: { step: 5 },
    valuesSince: 3,
  })
})

test('counts a weighted objective in the order of recording, too', () => {
  const objectives: Objectives = {
    a: low,
    b: { metric: 'm', direction: 'max' },
    both: { weights: { a: 2, b: 1 } },
  }
  const evaluations =
    evaluate([recorded(...descent, [4, 6], [5, 5])], objectives).get('both') ?? Evaluations.none
  expect(plateauOf(evaluations, { weights: {}, patience: 3 })).toMatchObject({
    best: { step: 5 },
    valuesSince: 0,
  })
})

/** Smooths each value as defined, from the values that led to it, oldest first. */
function smoothed(
  saves: readonly (readonly [number, number])[],
  smoothing: Smoothing,
): ReadonlyMap<number, number> {
  let path: (readonly [number, number])[] = []
  const values = new Map<number, number>()
  const replaced = new Map(saves.map(([step], order) => [step, order]))
  for (const [order, [step, value]] of saves.entries()) {
    if (replaced.get(step) !== order) continue
    path = [...path.filter(([earlier]) => earlier < step), [step, value]]
    values.set(
      step,
      reduced(
        path.map(([, each]) => each),
        smoothing,
      ),
    )
  }
  return values
}

function reduced(values: readonly number[], smoothing: Smoothing): number {
  if ('average' in smoothing) {
    const window = values.slice(-smoothing.average)
    return window.reduce((sum, value) => sum + value, 0) / window.length
  }
  if ('median' in smoothing) {
    const window = values.slice(-smoothing.median).sort((one, other) => one - other)
    const middle = (window.length - 1) / 2
    return ((window[Math.floor(middle)] ?? 0) + (window[Math.ceil(middle)] ?? 0)) / 2
  }
  const share = smoothing.exponential
  const sums = values.reduce(
    ({ sum, weight }, value) => ({
      sum: (1 - share) * sum + share * value,
      weight: (1 - share) * weight + share,
    }),
    { sum: 0, weight: 0 },
  )
  return sums.sum / sums.weight
}

test('smooths each value by the values that precede it in its branch, for any order of saves', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(20), fc.integer({ min: -9, max: 9 })), { maxLength: 60 }),
      fc.constantFrom<Smoothing>({ average: 3 }, { median: 3 }, { median: 4 }, { exponential: 0.3 }),
      (saves, smoothing) => {
        const objective = { ...low, smoothing }
        const expected = smoothed(saves, smoothing)
        const { steps, values } = judged(recorded(...saves), objective)
        expect([...steps]).toEqual([...expected.keys()].sort((one, other) => one - other))
        expect([...values]).toEqual([...steps].map((step) => expected.get(step)))
        // Evaluates a history that grows in segments, and compares the result with a single evaluation.
        let pages: readonly (readonly MetricRecord[])[] = []
        for (let count = 0; count <= saves.length; count += 1) {
          const records = recorded(...saves.slice(0, count))
          pages = stretched(records, pages)
          const incremental = evaluate(pages, { it: objective }).get('it')
          expect(incremental).toEqual(judged(records, objective))
        }
      },
    ),
    { numRuns: 300 },
  )
})

/** Divides the records into segments of four. Unchanged segments are reused. */
function stretched(
  records: readonly MetricRecord[],
  before: readonly (readonly MetricRecord[])[],
): readonly (readonly MetricRecord[])[] {
  return Array.from({ length: Math.ceil(records.length / 4) }, (_, index) => {
    const stretch = records.slice(4 * index, 4 * index + 4)
    const other = before[index]
    return JSON.stringify(other) === JSON.stringify(stretch) && other !== undefined ? other : stretch
  })
}
