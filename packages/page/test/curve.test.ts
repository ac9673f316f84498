import { describe, expect, test } from 'vitest'
import { curveOf, extremes, firstFrom, smoothed, thinned } from '../app/curve.ts'

function curve(values: readonly number[]) {
  return { steps: values.map((_, step) => 10 * step), values }
}

describe('a curve', () => {
  test('has only the steps with a value', () => {
    expect(curveOf([1, 5, 9], [0.5, null, 0])).toEqual({ steps: [1, 9], values: [0.5, 0] })
  })

  test('names the lowest, the highest and the last value', () => {
    const found = extremes(curve([2, 7, -1, 3]))
    expect(found).toEqual({
      lowest: { step: 20, value: -1 },
      highest: { step: 10, value: 7 },
      last: { step: 30, value: 3 },
    })
    expect(extremes(curve([]))).toBeUndefined()
  })

  test('is unchanged by smoothing of weight 0, and follows slowly with a higher weight', () => {
    expect(smoothed([1, 3, 5], 0)).toEqual([1, 3, 5])
    expect(smoothed([0, 4, 4], 0.5)).toEqual([0, 2, 3])
  })
})

describe('thinning', () => {
  test('keeps all points if there are few, with one more on each side of the range', () => {
    const few = curve([1, 2, 3, 4, 5, 6])
    expect(thinned(few, { from: 20, to: 30 }, 100)).toEqual([1, 2, 3, 4])
    expect(thinned(few, { from: 0, to: 1000 }, 100)).toEqual([0, 1, 2, 3, 4, 5])
  })

  test('keeps the extremes of a long curve, in the order of steps', () => {
    const values = Array.from({ length: 100_000 }, (_, index) => Math.sin(index))
    values[77_777] = 50
    values[33_333] = -50
    const drawn = thinned(curve(values), { from: 0, to: 1_000_000 }, 800)
    expect(drawn.length).toBeLessThanOrEqual(1600)
    expect(drawn).toContain(77_777)
    expect(drawn).toContain(33_333)
    expect(drawn).toEqual(drawn.toSorted((one, other) => one - other))
  })

  test('draws nothing of an empty curve', () => {
    expect(thinned(curve([]), { from: 0, to: 10 }, 800)).toEqual([])
  })
})

test('the first step from another one is found', () => {
  expect([0, 5, 10, 11].map((step) => firstFrom([5, 10], step))).toEqual([0, 0, 1, 2])
})
