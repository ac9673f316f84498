import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  type Smoothing,
  smoothedValue,
  smoothingStart,
  type SmoothingState,
  smoothOn,
  smoothSeries,
} from '../../src/metrics/index.ts'

const smoothings: fc.Arbitrary<Smoothing | undefined> = fc.oneof(
  fc.constant(undefined),
  fc.record({ average: fc.integer({ min: 1, max: 20 }) }),
  fc.record({ median: fc.integer({ min: 1, max: 20 }) }),
  fc.record({ exponential: fc.double({ min: 0.01, max: 1, noNaN: true }) }),
)
const values = fc.array(fc.double({ min: -1e6, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 60 })

function smooth(
  smoothing: Smoothing | undefined,
  numbers: readonly number[],
  from = smoothingStart,
): readonly number[] {
  let state = from
  return numbers.map((number) => {
    state = smoothOn(smoothing, state, number)
    return smoothedValue(smoothing, state)
  })
}

test('a moving average is of the last values, and of as many as there are at first', () => {
  expect(smooth({ average: 3 }, [3, 6, 9, 12])).toEqual([3, 4.5, 6, 9])
})

test('a median is of the last values; of two in the middle it is between', () => {
  expect(smooth({ median: 3 }, [5, 1, 9, 100, 2])).toEqual([5, 3, 5, 9, 9])
})

test('an exponential average of equal values is that value from the first on', () => {
  for (const value of smooth({ exponential: 0.1 }, [7, 7, 7])) expect(value).toBeCloseTo(7, 12)
  const [first, second] = smooth({ exponential: 0.5 }, [1, 4])
  expect(first).toBe(1)
  expect(second).toBeCloseTo((0.25 * 1 + 0.5 * 4) / 0.75, 12)
})

test('smoothing lies within what it has seen', () => {
  fc.assert(
    fc.property(smoothings, values, (smoothing, numbers) => {
      const slack = 1e-6
      for (const [index, value] of smooth(smoothing, numbers).entries()) {
        const seen = numbers.slice(0, index + 1)
        expect(value).toBeGreaterThanOrEqual(Math.min(...seen) - slack)
        expect(value).toBeLessThanOrEqual(Math.max(...seen) + slack)
      }
    }),
    { numRuns: 2000 },
  )
})

test('smoothing that is cut anywhere and taken up from its state as JSON goes on exactly as without the cut', () => {
  fc.assert(
    fc.property(smoothings, values, fc.nat(), (smoothing, numbers, where) => {
      const cut = where % (numbers.length + 1)
      let state: SmoothingState = smoothingStart
      for (const number of numbers.slice(0, cut)) state = smoothOn(smoothing, state, number)
      const resumed = JSON.parse(JSON.stringify(state)) as SmoothingState
      const whole = smooth(smoothing, numbers).slice(cut)
      const afterCut = smooth(smoothing, numbers.slice(cut), resumed)
      // By ===, since JSON does not tell a negative zero from zero.
      expect(afterCut.every((value, index) => value === whole[index])).toBe(true)
    }),
    { numRuns: 3000 },
  )
})

test('a series smoothed as a whole is exactly what it is value by value', () => {
  // Few different values, so that many in a window are equal.
  const repeating = fc.array(fc.constantFrom(-0, 0, 0.1, 0.2, 0.3, 1e-300, 1e300), { maxLength: 60 })
  fc.assert(
    fc.property(smoothings, fc.oneof(values, repeating), (smoothing, numbers) => {
      const one = smooth(smoothing, numbers)
      const all = smoothSeries(smoothing, Float64Array.from(numbers))
      expect(all).toHaveLength(one.length)
      // By ===: whether a zero is negative may depend on the order of equals in a sorted window.
      expect(all.every((value, index) => value === one[index])).toBe(true)
    }),
    { numRuns: 3000 },
  )
})
