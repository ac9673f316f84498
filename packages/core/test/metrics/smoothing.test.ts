import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Smoother, type Smoothing } from '../../src/metrics/index.ts'

const smoothings: fc.Arbitrary<Smoothing | undefined> = fc.oneof(
  fc.constant(undefined),
  fc.record({ average: fc.integer({ min: 1, max: 20 }) }),
  fc.record({ median: fc.integer({ min: 1, max: 20 }) }),
  fc.record({ exponential: fc.double({ min: 0.01, max: 1, noNaN: true }) }),
)
const values = fc.array(fc.double({ min: -1e6, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 60 })

function smooth(smoothing: Smoothing | undefined, numbers: readonly number[]): readonly number[] {
  const smoother = new Smoother(smoothing)
  return numbers.map((number) => smoother.next(number))
}

test('averages the last values, or all values while there are fewer', () => {
  expect(smooth({ average: 3 }, [3, 6, 9, 12])).toEqual([3, 4.5, 6, 9])
})

test('takes the median of the last values, and the mean of two middle values', () => {
  expect(smooth({ median: 3 }, [5, 1, 9, 100, 2])).toEqual([5, 3, 5, 9, 9])
})

test('keeps an exponential average of equal values equal to that value', () => {
  for (const value of smooth({ exponential: 0.1 }, [7, 7, 7])) expect(value).toBeCloseTo(7, 12)
  const [first, second] = smooth({ exponential: 0.5 }, [1, 4])
  expect(first).toBe(1)
  expect(second).toBeCloseTo((0.25 * 1 + 0.5 * 4) / 0.75, 12)
})

test('returns values between the smallest and the largest input', () => {
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

/** Returns the smoothed value as defined, from all values up to one, without any state. */
function byDefinition(smoothing: Smoothing | undefined, seen: readonly number[]): number {
  if (smoothing === undefined) return seen.at(-1) ?? Number.NaN
  if ('exponential' in smoothing) {
    const share = smoothing.exponential
    const weights = seen.map((_, index) => share * (1 - share) ** (seen.length - 1 - index))
    return sumOf(seen.map((value, index) => value * (weights[index] ?? Number.NaN))) / sumOf(weights)
  }
  const window = seen.slice(-('average' in smoothing ? smoothing.average : smoothing.median))
  if ('average' in smoothing) return sumOf(window) / window.length
  const sorted = window.toSorted((one, other) => one - other)
  const [low, high] = [sorted[(sorted.length - 1) >> 1], sorted[sorted.length >> 1]]
  return ((low ?? Number.NaN) + (high ?? Number.NaN)) / 2
}

function sumOf(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0)
}

test('equals the definition for every value', () => {
  // Few different values, so that many values in a window are equal.
  const repeating = fc.array(fc.constantFrom(-0, 0, 0.1, 0.2, 0.3, 1e-300, 1e300), { maxLength: 60 })
  fc.assert(
    fc.property(smoothings, fc.oneof(values, repeating), (smoothing, numbers) => {
      const isExact = smoothing === undefined || !('exponential' in smoothing)
      for (const [index, value] of smooth(smoothing, numbers).entries()) {
        const seen = numbers.slice(0, index + 1)
        const expected = byDefinition(smoothing, seen)
        // Compares with ===, because the sign of a zero can depend on the order of equal values in a sorted window. The
        // smallest numbers have fewer than nine significant digits.
        const slack = isExact ? 0 : 1e-300 + 1e-9 * Math.max(...seen.map(Math.abs))
        expect(value === expected || Math.abs(value - expected) <= slack, `${value} for ${expected}`).toBe(
          true,
        )
      }
    }),
    { numRuns: 3000 },
  )
})
