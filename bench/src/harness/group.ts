import type { Bench } from './bench.ts'
import type { Scale } from './scale.ts'

/** A group of work. */
export interface Group {
  readonly run: (bench: Bench) => Promise<void>
  /** Number of works that it measures. Its time is divided among them. */
  readonly works: number
  /** Minutes that it may take. Then it takes fewer rounds. */
  readonly minutes: number
  /** What differs from the full scale, so that the group fits into its time. */
  readonly scale?: Partial<Scale>
}
