import { expect, test } from 'vitest'
import { seedRanges } from './seed-ranges.ts'

test.each([
  { schedules: 1, processes: 1, sizes: [1] },
  { schedules: 1_000, processes: 1, sizes: [1_000] },
  { schedules: 2_001, processes: 1, sizes: [1_000, 1_000, 1] },
  { schedules: 1_000, processes: 4, sizes: [250, 250, 250, 250] },
  { schedules: 10, processes: 4, sizes: [3, 3, 3, 1] },
  { schedules: 2, processes: 4, sizes: [1, 1] },
  { schedules: 2_500, processes: 2, sizes: [1_000, 1_000, 500] },
])(
  'divides $schedules schedules among $processes processes without losing a seed',
  ({ schedules, processes, sizes }) => {
    const ranges = seedRanges({ first: 0, schedules }, processes)
    expect(ranges.map((range) => range.schedules)).toEqual(sizes)
    expect(
      ranges.flatMap(({ first, schedules: count }) =>
        Array.from({ length: count }, (_, seed) => first + seed),
      ),
    ).toEqual(Array.from({ length: schedules }, (_, seed) => seed))
  },
)
