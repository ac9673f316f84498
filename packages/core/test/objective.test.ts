import fc from 'fast-check'
import { expect, test } from 'vitest'
import { bestBy, type Scored } from '../src/metrics/index.ts'

const low = { metric: 'm', direction: 'min' } as const
const high = { metric: 'm', direction: 'max' } as const

function history(...values: readonly (number | undefined)[]): readonly Scored[] {
  return values.map((value, step) => ({ step, metrics: value === undefined ? {} : { m: value } }))
}

test('the lowest or the highest, and of equals the earliest', () => {
  expect(bestBy(history(3, 1, 2, 1), low)?.step).toBe(1)
  expect(bestBy(history(3, 1, 3), high)?.step).toBe(0)
  expect(bestBy([...history(3, 1, 3)].reverse(), high)?.step).toBe(0)
})

test('a metric that is missing, NaN or infinite is never the best, and never in the way', () => {
  expect(bestBy(history(Number.NaN, 5, -Infinity, undefined, 4), low)?.step).toBe(4)
  expect(bestBy(history(Number.NaN, Infinity, 5), high)?.step).toBe(2)
  expect(bestBy(history(Number.NaN, undefined), high)).toBeUndefined()
  expect(bestBy(history(), low)).toBeUndefined()
})

test('no other checkpoint is better', () => {
  fc.assert(
    fc.property(fc.array(fc.option(fc.double(), { nil: undefined })), (values) => {
      const candidates = history(...values)
      const finite = candidates.flatMap(({ metrics: { m } }) =>
        Number.isFinite(m) && m !== undefined ? [m] : [],
      )
      const best = bestBy(candidates, low)?.metrics['m'] ?? Infinity
      expect(finite.every((value) => best <= value)).toBe(true)
      expect(best === Infinity).toBe(finite.length === 0)
    }),
  )
})
