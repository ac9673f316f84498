import { refuseUnknownOptions } from '../../input/unknown-options.ts'
import type { BackendOptionsOf } from '../../backend/index.ts'
import { mostUnmirrored } from '../../catalog/documents/index.ts'
import { type Duration, durationOf } from '../../input/duration.ts'
import { HoldfastError } from '../../errors.ts'
import type { Objectives } from '../../metrics/index.ts'
import { planRetention, type RetentionOptions } from '../../retention/index.ts'
import { membersOf } from '../../input/records.ts'
import { shown } from '../../input/shown.ts'

/** A second store to which the checkpoints of a store are copied. */
export interface MirrorOptions<Name extends string = string, Location extends string = string> {
  /** The location of the mirror: a path or a URL. */
  readonly store: Location
  /** Which checkpoints the mirror keeps. Only those are copied. Default: the retention of the store. */
  readonly retention?: RetentionOptions<Name> | undefined
  /**
   * The number of checkpoints, from 0 to 256, that the store keeps only because the mirror does not have them yet. When space
   * is needed, they are dropped after all others. Default: 16.
   */
  readonly maxBehind?: number | undefined
  /** How long `flush` and `close` wait for the mirror, such as `'1 h'`, or milliseconds. Default: 5 minutes. */
  readonly flushLimit?: Duration | undefined
  /** Takes the mirror from another store that owns it, which is then fenced. Default: false. */
  readonly takeOver?: boolean | undefined
  /** Options that `openStore` passes to the adapter of the mirror. Those of the store do not apply to it. Default: none. */
  readonly backend?: BackendOptionsOf<NoInfer<Location>> | undefined
}

const known = [
  'store',
  'retention',
  'maxBehind',
  'flushLimit',
  'takeOver',
  'backend',
] as const satisfies readonly (keyof MirrorOptions)[]

const defaultMaxBehind = 16

/** Throws `INVALID_ARGUMENT` for options that are misspelt or out of range. */
export function assertMirrorOptions(options: MirrorOptions, objectives: Objectives): void {
  refuseUnknownOptions(options, known, 'mirror')
  const { store, maxBehind, retention, backend } = options
  if (typeof store !== 'string' || store === '')
    throw invalid(`mirror.store must be a path or a URL, not ${shown(store)}.`)
  if (
    maxBehind !== undefined &&
    !(Number.isSafeInteger(maxBehind) && maxBehind >= 0 && maxBehind <= mostUnmirrored)
  )
    throw invalid(
      `mirror.maxBehind must be a whole number from 0 to ${mostUnmirrored}, not ${String(maxBehind)}.`,
    )
  flushLimitOf(options)
  if (backend !== undefined) membersOf(backend, 'mirror.backend')
  planRetention(retention ?? {}, objectives)
}

export function maxBehindOf({ maxBehind = defaultMaxBehind }: MirrorOptions): number {
  return maxBehind
}

/** Returns the limit in milliseconds. Throws `INVALID_ARGUMENT` if it is not a duration. */
export function flushLimitOf({ flushLimit = '5 min' }: MirrorOptions): number {
  return durationOf('mirror.flushLimit', flushLimit)
}

function invalid(message: string): HoldfastError {
  return new HoldfastError('INVALID_ARGUMENT', message)
}
