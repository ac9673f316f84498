import { refuseUnknownOptions } from '../../input/unknown-options.ts'
import type { CheckpointChoice } from '../../catalog/judging/choose.ts'
import { assertStep } from '../../catalog/documents/index.ts'
import { type Duration, durationOf } from '../../input/duration.ts'
import { HoldfastError } from '../../errors.ts'
import { shown } from '../../input/shown.ts'

/** Which checkpoints `copyCheckpoints()` copies, and how. */
export interface CopyOptions<Name extends string = string> {
  /**
   * The checkpoints to copy, in this order. Default: all that the destination does not have, in the order in which they were
   * saved.
   */
  readonly checkpoints?: readonly CheckpointChoice<Name>[] | undefined
  /** The step of the copy. Default: that of the checkpoint. Requires that `checkpoints` names exactly one. */
  readonly toStep?: number | undefined
  /** Copies the pins of the checkpoints, too. Default: false. */
  readonly pins?: boolean | undefined
  /** Copies the metrics of steps whose checkpoints are deleted, too. Default: false. */
  readonly metrics?: boolean | undefined
  /**
   * What to do if the destination has a different checkpoint at the step. Default: `fail`, which fails that copy with
   * `ALREADY_EXISTS`. `replace` replaces it, unless it is pinned, or is the best of an objective and `allowBest` is not set.
   */
  readonly onExisting?: 'fail' | 'replace' | undefined
  /** Lets `replace` replace the best checkpoint of an objective. Default: false. */
  readonly allowBest?: boolean | undefined
  /**
   * The time, such as `'10 min'`, or milliseconds, in which a checkpoint that a copy between the same two stores found corrupt at
   * the source is reported as failed without being read again. It is for programs that copy again and again. Default: 0.
   */
  readonly retryCorruptAfter?: Duration | undefined
  /** Reports what would be copied, and changes nothing. Default: false. */
  readonly dryRun?: boolean | undefined
  readonly signal?: AbortSignal | undefined
  /** Called as bytes of one checkpoint are stored. Small checkpoints are stored at once, so calls for several steps may alternate. */
  readonly onProgress?:
    | ((progress: { readonly step: number; readonly bytes: number; readonly total: number }) => void)
    | undefined
  /** Called for each checkpoint when its outcome is known. */
  readonly onOutcome?: ((outcome: CopyOutcome) => void) | undefined
}

const copyFields = [
  'checkpoints',
  'toStep',
  'pins',
  'metrics',
  'onExisting',
  'allowBest',
  'retryCorruptAfter',
  'dryRun',
  'signal',
  'onProgress',
  'onOutcome',
] as const satisfies readonly (keyof CopyOptions)[]

/** What came of one checkpoint. `step` is that of the source, `toStep` that of the copy. */
export type CopyOutcome = { readonly step: number; readonly toStep: number; readonly bytes: number } & (
  | {
      /** It is committed at the destination. With `dryRun`, it would be. */
      readonly kind: 'copied'
      /** Bytes that an earlier, interrupted copy had stored already. */
      readonly bytesBefore: number
      /** Milliseconds. */
      readonly duration: number
      /** What the same commit dropped at the destination, and why. */
      readonly dropped: readonly { readonly step: number; readonly because: string }[]
    }
  | {
      /** The destination has it already. */
      readonly kind: 'there'
    }
  | {
      /** The destination had it, and got what the source changed since. With `dryRun`, it would get that. */
      readonly kind: 'updated'
      readonly what: readonly ('metrics' | 'order' | 'pin')[]
    }
  | {
      /** The retention of the destination would drop it, or the source dropped it during the copy. */
      readonly kind: 'skipped'
      readonly because: string
    }
  | {
      /** It was not copied: it is corrupt at the source, or the destination refuses it. The others are copied. */
      readonly kind: 'failed'
      readonly error: HoldfastError
    }
)

/** What `copyCheckpoints()` did, or with `dryRun` would do. */
export interface CopyReport {
  /** In the order in which they became known. */
  readonly outcomes: readonly CopyOutcome[]
  /** Steps whose checkpoints are deleted at the source, and whose metrics were copied. */
  readonly metricsOfSteps: readonly number[]
  /**
   * Steps whose copies were abandoned, because a rewind of the source abandoned the originals. Empty if the options name
   * checkpoints.
   */
  readonly abandonedSteps: readonly number[]
}

/** Throws `INVALID_ARGUMENT` for options that are misspelt, or that cannot be combined. */
export function assertCopyOptions(options: CopyOptions, url: string): void {
  refuseUnknownOptions(options, copyFields, 'copyCheckpoints', url)
  const { checkpoints, toStep, onExisting } = options
  if (onExisting !== undefined && !['fail', 'replace'].includes(onExisting))
    throw invalid(`onExisting must be 'fail' or 'replace', not ${shown(onExisting)}.`, url)
  retryCorruptAfterOf(options, url)
  if (toStep === undefined) return
  assertStep(toStep)
  if (checkpoints?.length !== 1)
    throw invalid('toStep gives one checkpoint another step. Name exactly one in `checkpoints`.', url)
}

/** Returns the time in milliseconds. Throws `INVALID_ARGUMENT`, with `url`, if it is not a duration. */
export function retryCorruptAfterOf({ retryCorruptAfter = 0 }: CopyOptions, url?: string): number {
  return durationOf('retryCorruptAfter', retryCorruptAfter, { most: Infinity, url })
}

function invalid(message: string, url: string): HoldfastError {
  return new HoldfastError('INVALID_ARGUMENT', message, { url })
}
