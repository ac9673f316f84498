import type { CheckpointBackend } from '../backend/index.ts'
import {
  type Checkpoint,
  type CheckpointDetails,
  factsOf,
  type JudgedCheckpoint,
  judgedCheckpoints,
  type QuarantinedCheckpoint,
} from '../catalog/judging/checkpoint.ts'
import type { CheckpointChoice } from '../catalog/judging/choose.ts'
import { hasFields } from '../catalog/judging/judgement.ts'
import { type MeasuredStep, measuredSteps, plateau } from '../catalog/judging/measure.ts'
import { type UnscoredObjective, unscoredObjectives } from '../catalog/judging/unscored.ts'
import type { Plateau } from '../metrics/index.ts'
import type { ListOptions, StoreCallOptions, StoreCalls } from './calls.ts'
import type { StoreContext } from './context/context.ts'
import { type UnfinishedJointSave, unfinishedJointSaves } from './ranks/job-status.ts'
import {
  abandonedNow,
  bestCheckpoint,
  checkpointDetails,
  newestJudged,
  quarantinedCheckpoints,
  removedCheckpoints,
} from './read/checkpoints.ts'
import { findCheckpoint } from './read/find.ts'
import type { RemovedCheckpoint } from '../catalog/judging/removed.ts'
import { nextDrops, type NextDrop } from './read/next-drops.ts'
import { type RecordedCommit, recordedCommits } from './read/history.ts'
import { type ListedCheckpoint, withMetadata } from './read/list-metadata.ts'
import { type Presence, presenceOf } from './read/presence.ts'
import { localPath, readFile, type ReadFileOptions, type StreamedFile } from './read/read-file.ts'
import { type TensorsOfFile, tensorsOf } from './read/tensors.ts'

/** The methods of a store that change nothing. Anyone who may read the store can call them. */
export class StoreReader<Name extends string = string> {
  readonly #context: StoreContext
  readonly #calls: StoreCalls

  constructor(context: StoreContext, calls: StoreCalls) {
    this.#context = context
    this.#calls = calls
  }

  /** URL of the store, without secrets. */
  get url(): string {
    return this.#context.backend.url
  }

  /** Whether a retention policy is configured. */
  get hasRetention(): boolean {
    return hasFields(this.#context.keeping.retention)
  }

  /** The backend of the store, for members that only this kind of backend has. */
  get backend(): CheckpointBackend {
    return this.#context.backend
  }

  /**
   * Returns one file as a stream. The stream ends without an error only if every byte is verified. If it fails with
   * `CORRUPT`, discard the bytes that it yielded. With `range` it returns only these bytes, which are not verified.
   */
  async read(
    choice: CheckpointChoice<Name>,
    file: string,
    options: ReadFileOptions = {},
  ): Promise<StreamedFile> {
    return this.#calls.run('read', options, () => readFile(this.#context, choice, file, options))
  }

  /**
   * Returns the path of one file or folder of a checkpoint on this machine, for programs that read it in place. The bytes are
   * not verified, and a deletion of the checkpoint removes them. Rejects with `UNSUPPORTED` if the store is not on a local
   * disk, and with `NOT_FOUND` if there is no such checkpoint or file.
   */
  async localPath(
    choice: CheckpointChoice<Name>,
    file: string,
    options: StoreCallOptions = {},
  ): Promise<string> {
    return this.#calls.run('localPath', options, (signal) => localPath(this.#context, choice, file, signal))
  }

  /**
   * Returns the names, types and shapes of the tensors in each file of a checkpoint. Reads the parts that describe tensors in
   * safetensors files and in uncompressed files of `torch.save` and `torch.distributed.checkpoint`, executes nothing, and does
   * not verify their bytes. Rejects with `NOT_FOUND` if there is no such checkpoint.
   */
  async tensors(
    choice: CheckpointChoice<Name>,
    options: StoreCallOptions = {},
  ): Promise<readonly TensorsOfFile[]> {
    return this.#calls.run('tensors', options, (signal) => tensorsOf(this.#context, choice, signal))
  }

  /**
   * Returns all checkpoints except quarantined ones, in the order of their steps. With `orderBy: 'saves'`, in the order in
   * which their saves began, which a rewind makes different from that of the steps. Then the last one is the latest. Returns an
   * empty list if the store has no checkpoint or does not exist. Rejects with `CORRUPT` if the newest catalog cannot be read.
   */
  async list(options: ListOptions & { readonly metadata: true }): Promise<readonly ListedCheckpoint[]>
  async list(options?: ListOptions): Promise<readonly JudgedCheckpoint[]>
  async list(options: ListOptions = {}): Promise<readonly JudgedCheckpoint[]> {
    return this.#calls.run('list', options, async (signal) => {
      const [judged] = await Promise.all([
        newestJudged(this.#context, signal),
        this.#calls.refuseNewer(signal),
      ])
      const checkpoints = judgedCheckpoints(judged, options.orderBy)
      return options.metadata === true
        ? withMetadata(this.#context, judged, checkpoints, signal)
        : checkpoints
    })
  }

  /** Returns the quarantined checkpoints. */
  async quarantined(options: StoreCallOptions = {}): Promise<readonly QuarantinedCheckpoint[]> {
    return this.#calls.run('quarantined', options, (signal) => quarantinedCheckpoints(this.#context, signal))
  }

  /**
   * Returns whether the store exists (`absent` if not) and has checkpoints (`empty` if not). Quarantined checkpoints
   * count. This distinguishes a fresh run or a misspelt location from a store whose checkpoints `restore` could return.
   */
  async presence(options: StoreCallOptions = {}): Promise<Presence> {
    return this.#calls.run('presence', options, (signal) => presenceOf(this.#context, signal))
  }

  /** Returns the checkpoints that rewinds abandoned, in the order of their saves. The next save drops most of them. */
  async abandoned(options: StoreCallOptions = {}): Promise<readonly JudgedCheckpoint[]> {
    return this.#calls.run('abandoned', options, (signal) => abandonedNow(this.#context, signal))
  }

  /**
   * Returns the checkpoints that the ranks of a job are saving together and have not committed, with the ranks that have not
   * delivered their part. Sends a few requests, and none beside the catalog if no such job owns the store.
   */
  async unfinishedJointSaves(options: StoreCallOptions = {}): Promise<readonly UnfinishedJointSave[]> {
    return this.#calls.run('unfinishedJointSaves', options, (signal) =>
      unfinishedJointSaves(this.#context, signal),
    )
  }

  /**
   * Returns the latest commits, the oldest first: up to 64 changes of the store, with the checkpoints that they dropped.
   * Sends one list request if nothing has changed since the last call, so a monitor can ask often.
   */
  async history(options: StoreCallOptions = {}): Promise<readonly RecordedCommit[]> {
    return this.#calls.run('history', options, (signal) => recordedCommits(this.#context, signal))
  }

  /** Returns the deleted checkpoints that `undo()` can list again, the earliest deleted first. */
  async removed(options: StoreCallOptions = {}): Promise<readonly RemovedCheckpoint[]> {
    return this.#calls.run('removed', options, (signal) => removedCheckpoints(this.#context, signal))
  }

  /**
   * Returns what the next save would drop, by the retention in force: that of this process or, if it has none, the one that the
   * last save recorded. It assumes a save of the next step that has the size of the latest checkpoint and no metrics. Changes
   * nothing.
   */
  async nextDrops(options: StoreCallOptions = {}): Promise<readonly NextDrop[]> {
    return this.#calls.run('nextDrops', options, (signal) => nextDrops(this.#context, signal))
  }

  /** Returns the newest checkpoint, or `undefined` if there is none. Sends two requests, since it skips the marker. */
  async latest(options: StoreCallOptions = {}): Promise<Checkpoint | undefined> {
    return this.#calls.run('latest', options, async (signal) => {
      const found = await findCheckpoint(this.#context, 'latest', signal)
      return found === undefined ? undefined : factsOf(found.entry)
    })
  }

  /** Returns the best checkpoint of the named or only objective, or `undefined` if no checkpoint has its metric. */
  async best(objective?: Name, options: StoreCallOptions = {}): Promise<JudgedCheckpoint | undefined> {
    return this.#calls.run('best', options, (signal) => bestCheckpoint(this.#context, objective, signal))
  }

  /**
   * Returns a checkpoint with its files and metadata, or `undefined` if it does not exist. Rejects with `CORRUPT` if its
   * manifest is corrupt or the step is quarantined.
   */
  async get(
    choice: CheckpointChoice<Name>,
    options: StoreCallOptions = {},
  ): Promise<CheckpointDetails | undefined> {
    return this.#calls.run('get', options, (signal) => checkpointDetails(this.#context, choice, signal))
  }

  /** Returns the metrics and scores of every step that ever had metrics, also if its checkpoint is deleted. */
  async metrics(options: StoreCallOptions = {}): Promise<readonly MeasuredStep[]> {
    return this.#calls.run('metrics', options, async (signal) =>
      measuredSteps(await newestJudged(this.#context, signal)),
    )
  }

  /** Returns the objectives that have no value yet, with the metrics that are recorded. */
  async unscored(options: StoreCallOptions = {}): Promise<readonly UnscoredObjective[]> {
    return this.#calls.run('unscored', options, async (signal) =>
      unscoredObjectives(await newestJudged(this.#context, signal)),
    )
  }

  /** Returns how long an objective has not improved, for early stopping. Includes steps whose checkpoints are deleted. */
  async plateau(objective: Name, options: StoreCallOptions = {}): Promise<Plateau> {
    return this.#calls.run('plateau', options, async (signal) =>
      plateau(await newestJudged(this.#context, signal), objective),
    )
  }
}
