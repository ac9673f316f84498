import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  assertObjectives,
  bestSteps,
  evaluate,
  Evaluations,
  type MetricRecord,
  type Normalisation,
  type Objectives,
  paretoFront,
  plateauOf,
  ranking,
} from '../../src/metrics/index.ts'

const low = { metric: 'm', direction: 'min' } as const
const high = { metric: 'm', direction: 'max' } as const

function history(...values: readonly (number | undefined)[]): readonly MetricRecord[] {
  return values.map((value, step) => ({ step, metrics: value === undefined ? {} : { m: value } }))
}

function best(
  records: readonly MetricRecord[],
  objectives: Objectives,
  name = 'it',
  there?: readonly number[],
): readonly number[] {
  const steps = there ?? records.map(({ step }) => step)
  return (
    bestSteps(evaluate([records], objectives), objectives, (step) => steps.includes(step)).get(name) ?? []
  )
}

function judged(records: readonly MetricRecord[], objectives: Objectives, name = 'it'): Evaluations {
  return evaluate([records], objectives).get(name) ?? Evaluations.none
}

test('chooses the lowest or highest value, and of equals the earliest or the latest', () => {
  expect(best(history(3, 1, 2, 1), { it: low })).toEqual([1])
  expect(best(history(3, 1, 3), { it: high })).toEqual([0])
  expect(best(history(3, 1, 3), { it: { ...high, ties: 'later' } })).toEqual([2])
})

test('ignores missing, NaN and infinite metrics', () => {
  expect(best(history(Number.NaN, 5, -Infinity, undefined, 4), { it: low })).toEqual([4])
  expect(best(history(Number.NaN, Infinity, 5), { it: high })).toEqual([2])
  expect(best(history(Number.NaN, undefined), { it: high })).toEqual([])
  expect(best(history(), { it: high })).toEqual([])
  const smoothed = judged(history(1, Number.NaN, 3), { it: { ...low, smoothing: { average: 2 } } })
  expect([...smoothed.values]).toEqual([1, 2])
  expect(smoothed.get(1)).toBeUndefined()
  expect(smoothed.get(2)).toEqual({ step: 2, value: 2, score: -2 })
})

test('counts an improvement only if it exceeds minDelta, absolute or relative', () => {
  expect(best(history(1, 0.95, 0.85), { it: { ...low, minDelta: 0.1 } })).toEqual([2])
  expect(best(history(1, 0.95, 0.91), { it: { ...low, minDelta: 0.1 } })).toEqual([0])
  expect(best(history(100, 109, 111), { it: { ...high, minDelta: { relative: 0.1 } } })).toEqual([2])
})

test('keeps the best if others are dropped, also with minDelta', () => {
  const records = history(0, 0.09, 0.15)
  expect(best(records, { it: { ...high, minDelta: 0.1 } }, 'it', [1, 2])).toEqual([2])
})

test('chooses the best listed step if the best of all was deleted', () => {
  expect(best(history(1, 3, 2), { it: low }, 'it', [1, 2])).toEqual([2])
})

test('has no best before the end of the warm-up', () => {
  expect(best(history(1, 5, 4), { it: { ...low, warmUp: { values: 2 } } })).toEqual([2])
  expect(best(history(1, 2, 4, 3), { it: { ...low, warmUp: { step: 2 } } })).toEqual([3])
  expect(best(history(1), { it: { ...low, warmUp: { values: 2 } } })).toEqual([])
})

const two: Objectives = {
  loss: { metric: 'loss', direction: 'min' },
  acc: { metric: 'acc', direction: 'max' },
}

test('weighs each metric in its direction, and waits for all of them', () => {
  const records = [
    { step: 1, metrics: { loss: 1, acc: 0.5 } },
    { step: 2, metrics: { loss: 0, acc: 0.6 } },
    { step: 3, metrics: { loss: 0.9, acc: 0.61 } },
    { step: 4, metrics: { loss: -1 } },
  ]
  const objectives = { ...two, both: { weights: { loss: 0.5, acc: 0.5 } } }
  expect(best(records, objectives, 'both')).toEqual([2])
  expect([...judged(records, objectives, 'both').steps]).toEqual([1, 2, 3])
  const ranges = { ranges: { loss: [0, 1], acc: [0, 1] } } as const
  const fixed = { ...two, both: { weights: { loss: 1, acc: 3 }, normalisation: ranges } }
  expect(judged(records, fixed, 'both').get(1)?.value).toBeCloseTo(0.375, 12)
})

const metricRecords = fc
  .array(
    fc.tuple(
      fc.double({ min: -5, max: 5, noNaN: true }),
      fc.double({ min: -5, max: 5, noNaN: true }),
      fc.double({ min: -5, max: 5, noNaN: true }),
    ),
    { maxLength: 40 },
  )
  .map((rows) => rows.map(([a, b, c], step): MetricRecord => ({ step, metrics: { a, b, c } })))

const three: Objectives = {
  a: { metric: 'a', direction: 'min' },
  b: { metric: 'b', direction: 'max' },
  c: { metric: 'c', direction: 'min', smoothing: { average: 3 } },
}

test('a weighted objective does not depend on the order of its parts', () => {
  fc.assert(
    fc.property(
      metricRecords,
      fc.constantFrom<Normalisation>('minmax', 'zscore', 'rank', {
        ranges: { a: [-5, 5], b: [-5, 5], c: [-9, 9] },
      }),
      fc.shuffledSubarray(['a', 'b', 'c'], { minLength: 1 }),
      (records, normalisation, names) => {
        const weights = names.map((name) => [name, name.charCodeAt(0) / 10] as const)
        const one = { ...three, all: { weights: Object.fromEntries(weights), normalisation } }
        const other = { all: { weights: Object.fromEntries(weights.toReversed()), normalisation }, ...three }
        expect(judged(records, one, 'all')).toEqual(judged(records, other, 'all'))
      },
    ),
    { numRuns: 2000 },
  )
})

test('a weighted objective judges exactly the steps that have every part, each by its own values', () => {
  const sometimes = fc.option(fc.double({ min: -5, max: 5, noNaN: true }), { nil: Number.NaN })
  fc.assert(
    fc.property(fc.array(fc.tuple(sometimes, sometimes), { maxLength: 40 }), (rows) => {
      const records = rows.map(([a, b], step): MetricRecord => ({ step, metrics: { a, b } }))
      const normalisation = { ranges: { a: [0, 1], b: [0, 1] } } as const
      const all = { weights: { a: 1, b: 2 }, normalisation }
      const expected = rows.map(([a, b]) => (1 * (1 - a) + 2 * b) / 3)
      const { steps, values } = judged(records, { ...three, all }, 'all')
      expect([...steps]).toEqual([...expected.keys()].filter((step) => !Number.isNaN(expected[step])))
      expect([...values]).toEqual(expected.filter((value) => !Number.isNaN(value)))
    }),
    { numRuns: 2000 },
  )
})

test('normalised values of min-max and rank lie between 0 and 1', () => {
  fc.assert(
    fc.property(metricRecords, fc.constantFrom<Normalisation>('minmax', 'rank'), (records, normalisation) => {
      const objectives = { ...three, all: { weights: { a: 1, b: 2, c: 3 }, normalisation } }
      for (const value of judged(records, objectives, 'all').values) {
        expect(value).toBeGreaterThanOrEqual(-1e-12)
        expect(value).toBeLessThanOrEqual(1 + 1e-12)
      }
    }),
  )
})

test('returns as the Pareto front exactly the steps that no other beats', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(6), fc.nat(6)), { maxLength: 30 }), (points) => {
      const records = points.map(([a, b], step): MetricRecord => ({ step, metrics: { a, b } }))
      const evaluations = evaluate([records], {
        a: { metric: 'a', direction: 'max' },
        b: { metric: 'b', direction: 'max' },
      })
      const steps = records.map(({ step }) => step)
      const parts = [evaluations.get('a') ?? Evaluations.none, evaluations.get('b') ?? Evaluations.none]
      const front = paretoFront(parts, () => true)
      const beaten = (step: number): boolean =>
        points.some(([a, b]) => {
          const [ownA = 0, ownB = 0] = points[step] ?? []
          return a >= ownA && b >= ownB && (a > ownA || b > ownB)
        })
      expect(front).toEqual(steps.filter((step) => !beaten(step)))
    }),
    { numRuns: 2000 },
  )
})

test('does not change the score of a step when later steps are added', () => {
  fc.assert(
    fc.property(metricRecords, fc.nat(), (records, where) => {
      const cut = where % (records.length + 1)
      const whole = evaluate([records], three)
      const before = evaluate([records.slice(0, cut)], three)
      for (const [name, evaluations] of before)
        for (const step of evaluations.steps)
          expect(whole.get(name)?.get(step)).toEqual(evaluations.get(step))
    }),
    { numRuns: 2000 },
  )
})

test('judges a continued or changed history like a new one', () => {
  const metric = fc.constantFrom(1, 2, 3, Number.NaN)
  const metrics = fc.record({ a: metric, b: metric, c: metric })
  const abandoned = fc.constantFrom(undefined, undefined, undefined, true)
  const lines = fc.array(fc.record({ metrics, abandoned }), { maxLength: 6 })
  // Appends, truncates or changes the latest records. Sometimes changes older segments.
  const edits = fc.array(fc.record({ lines, at: fc.nat(6), folds: fc.boolean() }), { maxLength: 12 })
  fc.assert(
    fc.property(edits, (steps) => {
      let older: readonly (readonly MetricRecord[])[] = [[{ step: 0, metrics: { a: 2, b: 2, c: 2 } }]]
      let recent: readonly MetricRecord[] = []
      for (const edit of steps) {
        const kept = recent.slice(0, edit.at)
        const next = (kept.at(-1) ?? older.at(-1)?.at(-1))?.step ?? 0
        recent = [...kept, ...edit.lines.map((line, index) => ({ step: next + 1 + index, ...line }))]
        expect(evaluate([...older, recent], three)).toEqual(evaluate([[...older, recent].flat()], three))
        if (!edit.folds || recent.length === 0) continue
        older = [...older, recent]
        recent = []
      }
    }),
    { numRuns: 1000 },
  )
})

test('does not change earlier evaluations when the history goes on', () => {
  const oldest = history(3, 2)
  const before = evaluate([oldest, []], { it: low }).get('it') ?? Evaluations.none
  const later = history(3, 2, ...Array.from({ length: 200 }, () => 1))
  for (let count = 2; count < later.length; count += 1) evaluate([oldest, later.slice(2, count)], { it: low })
  expect([...before.values]).toEqual([3, 2])
  expect([...before.steps]).toEqual([0, 1])
})

test('ranks by score, and equals by step', () => {
  const evaluations = judged(history(2, 3, 1, 3), { it: high })
  const all = [0, 1, 2, 3, 4]
  expect(ranking(evaluations, high, 9, all).map(({ step }) => step)).toEqual([1, 3, 0, 2])
  expect(ranking(evaluations, high, 2, all).map(({ step }) => step)).toEqual([1, 3])
  const later = { ...high, ties: 'later' } as const
  expect(ranking(evaluations, later, 2, all).map(({ step }) => step)).toEqual([3, 1])
  expect(ranking(evaluations, high, 2, [0, 2, 3, 9]).map(({ step }) => step)).toEqual([3, 0])
})

test('counts the values and steps since the last improvement', () => {
  const objective = { ...low, patience: 2 }
  const evaluations = judged(history(3, 1, undefined, 2, 2), { it: objective })
  expect(plateauOf(evaluations, objective)).toEqual({
    best: { step: 1, value: 1, score: -1 },
    valuesSince: 2,
    stepsSince: 3,
    reached: true,
  })
  expect(plateauOf(evaluations, low).reached).toBe(false)
  expect(plateauOf(Evaluations.none, low)).toEqual({
    best: undefined,
    valuesSince: 0,
    stepsSince: 0,
    reached: false,
  })
})

test('reaches a plateau of equal values, whichever of them is the best', () => {
  for (const [ties, step] of [
    ['earlier', 1],
    ['later', 4],
  ] as const) {
    const objective = { ...high, patience: 3, ties }
    const evaluations = judged(history(0.4, 0.5, 0.5, 0.5, 0.5), { it: objective })
    expect(plateauOf(evaluations, objective)).toEqual({
      best: { step, value: 0.5, score: 0.5 },
      valuesSince: 3,
      stepsSince: 3,
      reached: true,
    })
  }
})

test('gives equal scores a zscore of 0, however their mean is rounded', () => {
  const objectives = {
    it: { ...high },
    both: { weights: { it: 1 }, normalisation: 'zscore' },
  } as const
  expect([...judged(history(0.1, 0.1, 0.1), objectives, 'both').values]).toEqual([0, 0, 0])
})

test('rejects an invalid or misspelt objective, and names it', () => {
  const refused: readonly (readonly [unknown, RegExp])[] = [
    [{ it: { metric: '', direction: 'min' } }, /"it": metric/],
    [{ it: { metric: 'm', direction: 'up' } }, /direction/],
    [{ it: { metric: 'm', direction: 'min', smothing: { average: 3 } } }, /smothing/],
    [{ it: { metric: 'm', direction: 'min', smoothing: { average: 0 } } }, /smoothing/],
    [{ it: { metric: 'm', direction: 'min', smoothing: { exponential: 2 } } }, /smoothing/],
    [{ it: { metric: 'm', direction: 'min', minDelta: -1 } }, /minDelta/],
    [{ it: { weights: {} } }, /weights must contain/],
    [{ it: { weights: { other: 1 } } }, /"other", which is not defined/],
    [{ a: low, b: { weights: { a: 1 } }, it: { weights: { b: 1 } } }, /combines other objectives/],
    [{ a: low, it: { weights: { a: 1 }, normalisation: { ranges: {} } } }, /has no range for a/],
    [
      { a: low, it: { weights: { a: 1 }, normalisation: { ranges: { a: [2, 1] } } } },
      /must be \[lower, higher\]/,
    ],
    [{ it: { pareto: ['a'] } }, /pareto/],
  ]
  for (const [objectives, message] of refused)
    expect(() => {
      assertObjectives(objectives as Objectives)
    }).toThrow(message)
  assertObjectives({ ...two, both: { weights: { loss: 1, acc: 2 } }, front: { pareto: ['loss', 'acc'] } })
})
