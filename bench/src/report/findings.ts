import type { GroupResult } from '../harness/bench.ts'
import type { Machine } from './machine.ts'

/** The results of one run, or of several runs of different groups. */
export interface Findings {
  readonly machine: Machine
  readonly groups: readonly RanGroup[]
}

export interface RanGroup extends GroupResult {
  readonly ranAt: string
  /** How long the group took, with preparation and verification. Absent in older results. */
  readonly seconds?: number
  /** The command that repeats the measurement. */
  readonly command: string
}
