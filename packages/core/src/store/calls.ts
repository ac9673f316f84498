import { refuseUnknownOptions } from '../input/unknown-options.ts'
import type { CheckpointBackend } from '../backend/index.ts'
import { HoldfastError } from '../errors.ts'
import type { Lifetime } from './lifetime.ts'
import type { JoinOptions } from './ranks/resume.ts'
import type { ReadFileOptions } from './read/read-file.ts'
import type { RestoreOptions } from './restore/result.ts'
import { SupportedMarker } from './marker/supported-marker.ts'
import { traced, type TracedOperation } from './tracing.ts'
import type { DeleteOptions } from './upkeep/delete.ts'
import type { PruneOptions } from './upkeep/prune.ts'
import type { RepairOptions } from './upkeep/repair/repair.ts'
import type { RewindOptions } from './upkeep/rewind.ts'
import type { StoreSweepOptions } from './upkeep/sweep.ts'
import type { UndoOptions } from './upkeep/undo.ts'
import type { VerifyOptions } from './upkeep/verify.ts'

/** The options that most methods of a store take. */
export interface StoreCallOptions {
  /** Stops the call, which then rejects with `ABORTED`. */
  readonly signal?: AbortSignal | undefined
}

/** The options of `store.list()`. */
export interface ListOptions extends StoreCallOptions {
  /** `steps`: the lowest step first. `saves`: the earliest save first. Default: `steps`. */
  readonly orderBy?: 'steps' | 'saves' | undefined
  /**
   * Returns the metadata of each checkpoint, too. Metadata of up to 512 bytes of JSON is part of the list. Larger metadata, and
   * that of checkpoints of older versions, takes one read each. Default: false.
   */
  readonly metadata?: boolean | undefined
}

/** How a method of a store is called. */
interface Call {
  readonly options: readonly string[]
  /** Whether the ranks of a job refuse the call, because they do not make this change together. */
  readonly isRefusedInJob?: boolean
  /** Whether the call may write. A closed store refuses it, and closing a store waits for its end. */
  readonly mayWrite?: boolean
  /** The operation as which the start and the end of the call are published, unless it is a dry run. */
  readonly traces?: TracedOperation
  /**
   * Whether the marker is read before the call begins. Changes leave that to the writer, which reads the marker before its
   * first write.
   */
  readonly readsMarker?: boolean
}

/** Returns the names of the options of a method. A name that is missing or misspelt does not compile. */
function namesOf<Options>(names: Readonly<Record<keyof Options, true>>): readonly string[] {
  return Object.keys(names)
}

const simple = { options: namesOf<StoreCallOptions>({ signal: true }) }
const reading = { ...simple, readsMarker: true }
/** Calls that write, and that the ranks of a job make together or that do not disturb them. */
const writing = { ...reading, mayWrite: true }
const changing = { ...simple, isRefusedInJob: true, mayWrite: true }

/** The methods of a store whose last parameter is their options. */
const calls = {
  abandoned: reading,
  best: reading,
  get: reading,
  history: reading,
  localPath: reading,
  metrics: reading,
  nextDrops: reading,
  plateau: reading,
  presence: reading,
  quarantined: reading,
  removed: reading,
  tensors: reading,
  unfinishedJointSaves: reading,
  unfinishedSaves: reading,
  unscored: reading,
  read: { ...reading, options: namesOf<ReadFileOptions>({ range: true, signal: true }) },
  mirrorStatus: simple,
  // Takes one round trip less without the marker.
  latest: simple,
  // Reads the marker while it reads the catalog.
  list: { options: namesOf<ListOptions>({ orderBy: true, metadata: true, signal: true }) },

  doctor: { ...simple, mayWrite: true },
  restore: {
    ...writing,
    traces: 'restore',
    options: namesOf<RestoreOptions>({
      to: true,
      fallback: true,
      files: true,
      exact: true,
      maxTries: true,
      mirrorReading: true,
      signal: true,
      onProgress: true,
    }),
  },
  join: { ...writing, options: namesOf<JoinOptions>({ fallback: true, signal: true }) },
  rewind: { ...writing, options: namesOf<RewindOptions>({ dryRun: true, signal: true }) },
  prune: {
    ...writing,
    traces: 'prune',
    options: namesOf<PruneOptions>({ dryRun: true, undoFor: true, signal: true }),
  },
  verify: {
    ...writing,
    traces: 'verify',
    options: namesOf<VerifyOptions>({ steps: true, quick: true, signal: true, onProgress: true }),
  },

  attach: changing,
  forgetMirror: changing,
  forgetObjective: changing,
  markGood: changing,
  pin: changing,
  repair: { ...changing, options: namesOf<RepairOptions>({ signal: true }) },
  unpin: changing,
  delete: { ...changing, options: namesOf<DeleteOptions>({ allowBest: true, undoFor: true, signal: true }) },
  sweep: {
    ...changing,
    readsMarker: true,
    options: namesOf<StoreSweepOptions>({ dryRun: true, now: true, signal: true }),
  },
  undo: {
    ...changing,
    readsMarker: true,
    options: namesOf<UndoOptions>({ steps: true, dryRun: true, signal: true }),
  },
} satisfies Readonly<Record<string, Call>>

/**
 * Begins the calls of a store, each in the same order: its options, the job, whether the store is open, its trace, the
 * marker.
 */
export class StoreCalls {
  readonly #url: string
  readonly #isInJob: boolean
  readonly #lifetime: Lifetime
  readonly #marker: SupportedMarker

  constructor(backend: CheckpointBackend, isInJob: boolean, lifetime: Lifetime) {
    this.#url = backend.url
    this.#isInJob = isInJob
    this.#lifetime = lifetime
    this.#marker = new SupportedMarker(backend)
  }

  /**
   * Runs the work of a method. Rejects with `INVALID_ARGUMENT` for an unknown option and for a call that may write to a closed
   * store, and with `UNSUPPORTED` if the ranks of a job refuse the method or if a newer version of Holdfast wrote the store.
   */
  async run<Result>(
    name: keyof typeof calls,
    options: StoreCallOptions & { readonly dryRun?: boolean | undefined },
    work: (signal: AbortSignal | undefined) => Promise<Result>,
  ): Promise<Result> {
    const call: Call = calls[name]
    refuseUnknownOptions(options, call.options, name, this.#url)
    if (call.isRefusedInJob === true) this.refuseInJob(`${name}()`)
    const { signal, dryRun = false } = options
    const begin = async (): Promise<Result> => {
      if (call.readsMarker === true) await this.refuseNewer(signal)
      return work(signal)
    }
    const traces = dryRun ? undefined : call.traces
    const whole = traces === undefined ? begin : () => traced(traces, { store: this.#url }, begin)
    return call.mayWrite === true ? this.#lifetime.whileOpen(whole) : whole()
  }

  /** Rejects with `UNSUPPORTED` if a newer version of Holdfast wrote the store in a way that this one cannot read. */
  async refuseNewer(signal: AbortSignal | undefined): Promise<void> {
    await this.#marker.refuseNewer(signal)
  }

  /** Throws `UNSUPPORTED` for a change that the ranks of a job do not make together. */
  refuseInJob(what: string): void {
    if (!this.#isInJob) return
    throw new HoldfastError(
      'UNSUPPORTED',
      `The ranks of a job save and restore together, and ${what} is not something they do together.`,
      { url: this.#url, hint: { kind: 'leave-ranks', for: 'change' } },
    )
  }
}
