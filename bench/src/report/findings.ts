import type { GroupResult } from '../harness/bench.ts'
import type { Machine } from './machine.ts'

/** The results of one run, or of several runs of different groups, perhaps on different machines. */
export interface Findings {
  readonly groups: readonly RanGroup[]
}

export interface RanGroup extends GroupResult {
  readonly ranAt: string
  readonly machine: Machine
  /** The load average of the last 15 minutes. A value above the number of cores means that the machine was busy. Older results lack it. */
  readonly load?: number
  /** How long the group took, with preparation and verification. Absent in older results. */
  readonly seconds?: number
  /** The command that repeats the measurement. */
  readonly command: string
}
