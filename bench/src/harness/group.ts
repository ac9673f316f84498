import type { Bench } from './bench.ts'
import type { Scale } from './scale.ts'

/** A group of work. */
export interface Group {
  readonly run: (bench: Bench) => Promise<void>
  /** Number of works among which its time is divided. Works of one round do not count. */
  readonly works: number
  /** Minutes that it may take. Then it takes fewer rounds. */
  readonly minutes: number
  /** What differs from the full scale, so that the group fits into its time. */
  readonly scale?: Partial<Scale>
}
