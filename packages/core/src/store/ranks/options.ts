import { refuseUnknownOptions } from '../../input/unknown-options.ts'
import { type Duration, durationOf } from '../../input/duration.ts'
import { HoldfastError } from '../../errors.ts'
import { shown } from '../../input/shown.ts'

interface RanksLimits {
  /**
   * How long a restore waits for the other ranks to join, and again for them to verify their files, such as `'1 h'`, or milliseconds.
   * Default: 10 minutes to join, and 30 minutes to verify.
   */
  readonly joinTimeout?: Duration | undefined
  /** How long a save waits for the parts of the other ranks. Default: 30 minutes. */
  readonly saveTimeout?: Duration | undefined
}

export interface RankPlace {
  /** The number of this process among those of the job: from 0 to below `size`. */
  readonly rank: number
  /** The number of ranks. All ranks of a job pass the same. */
  readonly size: number
  /**
   * The path of a file of this machine that carries the membership of the rank from one process to the next, such as the
   * commands of one training program. `restore`, `join` and `rewind` write it. A later process with the same file saves as
   * that member and does not join again. Each rank has a file of its own. Default: the membership ends with the process.
   */
  readonly memberFile?: string | undefined
}

/** A process that is the rank of its member file. It can save, and cannot join. */
interface PlaceOfMember {
  readonly rank?: undefined
  readonly size?: undefined
  readonly memberFile: string
}

/** The place of a process in a job of many ranks that saves and restores checkpoints together. */
export type RanksOptions = RanksLimits & (RankPlace | PlaceOfMember)

/** The limits in milliseconds. */
export interface Timeouts {
  /** For the other ranks to join. */
  readonly join: number
  /** For the other ranks to verify their files. */
  readonly verify: number
  readonly save: number
}

/** A file name cannot number more, and no job is as large. */
const mostRanks = 1_000_000

/** Throws `INVALID_ARGUMENT` for options that are misspelt or out of range. */
export function assertRanksOptions(options: RanksOptions): void {
  refuseUnknownOptions(options, ['rank', 'size', 'joinTimeout', 'saveTimeout', 'memberFile'], 'ranks')
  assertPlace({ ...options })
  timeoutsOf(options)
}

/** Returns the limits of the options, or their defaults. Throws `INVALID_ARGUMENT` if one of them is not a duration. */
export function timeoutsOf({ joinTimeout, saveTimeout }: RanksLimits): Timeouts {
  return {
    join: durationOf('ranks.joinTimeout', joinTimeout ?? '10 min', { above: 0 }),
    verify: durationOf('ranks.joinTimeout', joinTimeout ?? '30 min', { above: 0 }),
    save: durationOf('ranks.saveTimeout', saveTimeout ?? '30 min', { above: 0 }),
  }
}

/** Callers in JavaScript can pass anything. */
function assertPlace({ rank, size, memberFile }: Readonly<Record<string, unknown>>): void {
  if (memberFile !== undefined && (typeof memberFile !== 'string' || memberFile === ''))
    throw invalid(`ranks.memberFile must be a path, not ${shown(memberFile)}.`)
  if (rank === undefined && size === undefined && memberFile !== undefined) return
  if (!isWhole(size) || size < 1 || size > mostRanks)
    throw invalid(`ranks.size must be a whole number from 1 to ${mostRanks}, not ${String(size)}.`)
  if (!isWhole(rank) || rank < 0 || rank >= size)
    throw invalid(`ranks.rank must be a whole number from 0 to ${size - 1}, not ${String(rank)}.`)
}

function isWhole(value: unknown): value is number {
  return Number.isSafeInteger(value)
}

function invalid(message: string): HoldfastError {
  return new HoldfastError('INVALID_ARGUMENT', message)
}
