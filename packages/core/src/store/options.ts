import { refuseUnknownOptions } from '../input/unknown-options.ts'
import { mostThreads } from '../async/threads.ts'
import { type Duration, durationOf } from '../input/duration.ts'
import { HoldfastError } from '../errors.ts'
import { assertObjectives, type Objectives } from '../metrics/index.ts'
import type { Rate } from '../pacing/index.ts'
import { planRetention, type RetentionOptions } from '../retention/index.ts'
import { spaceLimits, type SpaceOptions } from '../space/index.ts'
import type { WriterMode } from '../catalog/commit/rules/index.ts'
import { assertWellFormed } from '../input/json.ts'
import { shown } from '../input/shown.ts'
import { assertPackMode, type PackMode } from './context/pack-mode.ts'
import { assertUnchangedMode, type UnchangedMode } from './context/unchanged-mode.ts'
import { assertMirrorOptions, type MirrorOptions } from './mirror/options.ts'
import { assertRanksOptions, type RanksOptions } from './ranks/options.ts'
import type { BackgroundOptions } from './save/background-options.ts'
import { parseLimits, parseRateWhileBusy } from './transfer-limits.ts'

/** The options of a store. `openStore` also takes those of `OpenStoreOptions`. */
export interface StoreOptions<Name extends string = string, MirrorLocation extends string = string> {
  /**
   * `exclusive`: one long-lived writer. Its first change, also a `pin`, takes the store from the previous owner, whose next save
   * rejects with `FENCED`. Reading does not. `shared`: many writers and no owner. Default: `exclusive`.
   */
  readonly mode?: WriterMode | undefined
  /**
   * The name of a job: a series of processes, such as commands, that write one after the other as one exclusive writer. The
   * first save of each takes the store over from the process before, fences a save of it that still runs, and sweeps its
   * leftovers at once. Closing does not release ownership. Other owners are not fenced unless `takeOver` is set. Changes
   * other than saves do not take over, so they do not disturb a save of the job. Default: `HOLDFAST_JOB` if `mode` is not
   * given, else none.
   */
  readonly job?: string | undefined
  /**
   * In shared mode and in a job: whether the first write takes the store over from another owner, which is then fenced.
   * Default: false.
   */
  readonly takeOver?: boolean | undefined
  /** The objectives by name, which define the best checkpoint. */
  readonly objectives?: Objectives<Name> | undefined
  /** Which checkpoints to keep. Default: all. Each save applies it in its own commit, and so does `prune`. */
  readonly retention?: RetentionOptions<NoInfer<Name>> | undefined
  /** The free space below which saves emit a warning, and below which they are rejected. */
  readonly space?: SpaceOptions | undefined
  /** How many saves run in the background at once, what a further one does, and how fast they run on a busy machine. */
  readonly background?: BackgroundOptions | undefined
  /**
   * A time by the store's clock, such as `'2 d'`, or milliseconds. In shared mode a save that takes longer may be fenced, and the
   * leftovers of crashed saves are swept after this time. Default: one day.
   */
  readonly gracePeriod?: Duration | undefined
  /** Whether small files are stored together in few objects. Default: `auto`. */
  readonly packs?: PackMode | undefined
  /** What happens to files that have not changed since the latest checkpoint. Default: `auto`. */
  readonly unchanged?: UnchangedMode | undefined
  /**
   * The place of this process in a job of many ranks. Then `save` and `restore` mean "together with all ranks", and other
   * changes are rejected. Default: this process saves and restores alone.
   */
  readonly ranks?: RanksOptions | undefined
  /**
   * A second store to which a background worker copies the checkpoints. Saves do not wait for it, and its failures do not fail
   * them. Default: none.
   */
  readonly mirror?: MirrorOptions<NoInfer<Name>, MirrorLocation> | undefined
  /**
   * The most bytes per second that this process sends to the store as files of checkpoints, such as `'200 MB/s'`. All saves and
   * copies share it. The mirror has a limit of this size, too. A store on a disk that has a mirror is not limited itself. Bytes
   * that a service copies, and shared bytes on a disk, do not count. Default: no limit.
   */
  readonly limitUpload?: Rate | undefined
  /**
   * The most bytes per second that this process reads from the files of checkpoints, such as for restores. Otherwise as
   * `limitUpload`. Default: no limit.
   */
  readonly limitDownload?: Rate | undefined
  /**
   * How many threads transfer large files from and to an object store, from 1 to 64. With 1, the thread of the caller does. `openStore`
   * passes the option to the backend. Default: the number of processors less one, from 1 to 4.
   */
  readonly threads?: number | undefined
  /** Name of this writer in messages to others. Default: host name and process id. */
  readonly writerName?: string | undefined
}

const known: Readonly<Record<keyof StoreOptions, true>> = {
  mode: true,
  job: true,
  takeOver: true,
  objectives: true,
  retention: true,
  space: true,
  background: true,
  gracePeriod: true,
  packs: true,
  unchanged: true,
  ranks: true,
  mirror: true,
  limitUpload: true,
  limitDownload: true,
  threads: true,
  writerName: true,
}

/** Throws `INVALID_ARGUMENT` for options that are misspelt or out of range. */
export function assertStoreOptions(options: StoreOptions): void {
  for (const name of Object.keys(options)) {
    if (!Object.hasOwn(known, name)) {
      throw invalid(
        `There is no store option ${JSON.stringify(name)}. Known: ${Object.keys(known).join(', ')}.`,
      )
    }
  }
  if (options.ranks !== undefined) assertRanksMode(options, options.ranks)
  refuseUnknownOptions(options.space, ['warnBelow', 'refuseBelow', 'makeRoom'], 'space')
  refuseUnknownOptions(options.background, ['limit', 'atLimit', 'rateWhileBusy'], 'background')
  const { mode, background } = options
  const { atLimit = 'wait' } = background ?? {}
  if (!['wait', 'skip', 'fail'].includes(atLimit)) {
    throw invalid(`background.atLimit must be 'wait', 'skip' or 'fail', not ${shown(atLimit)}.`)
  }
  if (mode !== undefined && !['exclusive', 'shared'].includes(mode)) {
    throw invalid(`mode must be 'exclusive' or 'shared', not ${shown(mode)}.`)
  }
  assertJob(options)
  assertPackMode(options.packs)
  assertUnchangedMode(options.unchanged)
  gracePeriodOf(options)
  assertThreads(options.threads)
  assertObjectives(options.objectives ?? {})
  if (options.mirror !== undefined) assertMirrorOptions(options.mirror, options.objectives ?? {})
  planRetention(options.retention ?? {}, options.objectives ?? {})
  spaceLimits(options.space)
  parseLimits(options)
  parseRateWhileBusy(options.background)
}

/** Returns the grace period in milliseconds. Throws `INVALID_ARGUMENT` if it is not a duration. */
export function gracePeriodOf({ gracePeriod = '1 d' }: StoreOptions): number {
  return durationOf('gracePeriod', gracePeriod)
}

function assertThreads(threads: number | undefined): void {
  if (threads === undefined || (Number.isSafeInteger(threads) && threads >= 1 && threads <= mostThreads))
    return
  throw invalid(`threads must be a whole number from 1 to ${mostThreads}, not ${shown(threads)}.`)
}

/** Maximum length of the name of a job, in characters. Every version of the catalog contains it. */
const maxJobLength = 200

function assertJob({ job, mode }: StoreOptions): void {
  if (job === undefined) return
  if (typeof job !== 'string' || job === '' || job.length > maxJobLength)
    throw invalid(`job must be a string of 1 to ${maxJobLength} characters, not ${shown(job)}.`)
  assertWellFormed(job, 'The name of a job')
  if (mode === 'shared')
    throw invalid("A job is one exclusive writer, so mode cannot be 'shared'. Pass either job or mode.")
}

function assertRanksMode({ mode, takeOver, job, mirror }: StoreOptions, ranks: RanksOptions): void {
  assertRanksOptions(ranks)
  if (mirror !== undefined)
    throw new HoldfastError(
      'INVALID_ARGUMENT',
      'A store with ranks has no mirror, because its ranks would not agree on when to restore from it.',
      { hint: { kind: 'copy-beside-job' } },
    )
  if (mode !== 'shared' && takeOver === undefined && job === undefined) return
  throw invalid('With ranks, all ranks own the store together. Leave out mode, takeOver and job.')
}

function invalid(message: string): HoldfastError {
  return new HoldfastError('INVALID_ARGUMENT', message)
}
