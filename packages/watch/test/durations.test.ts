import { expect, test } from 'vitest'
import { quietPeriodsOf } from '../src/options.ts'
import { assertRunOptions, graceOf, restartDelayOf, type RunOptions } from '../src/supervisor/run-options.ts'

test('reads the durations of a watch as milliseconds, whether they have a unit', () => {
  expect(quietPeriodsOf({})).toEqual({ signalled: 2_000, unsignalled: 30_000 })
  expect(quietPeriodsOf({ quietPeriod: '1 min' })).toEqual({ signalled: 60_000, unsignalled: 60_000 })
  expect(quietPeriodsOf({ quietPeriod: 5, longQuietPeriod: '2 h' })).toEqual({
    signalled: 5,
    unsignalled: 7_200_000,
  })
})

test('reads the durations of a run as milliseconds, whether they have a unit', () => {
  const options: readonly RunOptions[] = [
    {},
    { restartDelay: 5, grace: 6 },
    { restartDelay: '10 s', grace: '2 min' },
  ]
  expect(options.map(restartDelayOf)).toEqual([1_000, 5, 10_000])
  expect(options.map(graceOf)).toEqual([25_000, 6, 120_000])
})

test.each<[RunOptions, string]>([
  [{ grace: '2 m' as '2 min' }, 'grace: "2 m" is not a duration.'],
  [{ restartDelay: '30 d' }, 'restartDelay must be at most 2147483647 ms, not "30 d".'],
  [{ restartDelay: -1 }, 'restartDelay: -1 is not a duration.'],
  [{ quietPeriod: Infinity }, 'quietPeriod: Infinity is not a duration.'],
])('refuses a run with the duration %j', (options, message) => {
  expect(() => {
    assertRunOptions(['true'], options)
  }).toThrow(message)
})

test('does not compile a duration of a run or a watch without a unit that exists', () => {
  // @ts-expect-error `m` could mean minutes or months
  const options: RunOptions = { grace: '2m' }
  expect(() => graceOf(options)).toThrow('is not a duration')
})
