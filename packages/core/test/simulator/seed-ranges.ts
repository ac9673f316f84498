/** Consecutive seeds. Each is one schedule. */
export interface SeedRange {
  readonly first: number
  readonly schedules: number
}

/** The most schedules of a range. After each range, a line is printed. */
const largest = 1_000

/** Divides the seeds into ranges of at most 1,000 schedules, and into one for each process if there are few. */
export function seedRanges({ first, schedules }: SeedRange, processes: number): readonly SeedRange[] {
  const size = Math.min(largest, Math.ceil(schedules / processes))
  return Array.from({ length: Math.ceil(schedules / size) }, (_, index) => ({
    first: first + index * size,
    schedules: Math.min(size, schedules - index * size),
  }))
}
