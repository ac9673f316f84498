import { type CheckpointBackend, refuseUnknownOptions } from '../backend/index.ts'
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
import type { StoreContext } from './context.ts'
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
import type { SupportedMarker } from './supported-marker.ts'

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

/** The methods of a store that change nothing. Anyone who may read the store can call them. */
export class StoreReader<Name extends string = string> {
  readonly #context: StoreContext
  readonly #marker: SupportedMarker

  constructor(context: StoreContext, marker: SupportedMarker) {
    this.#context = context
    this.#marker = marker
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
    refuseUnknownOptions(options, ['range', 'signal'], 'read', this.url)
    await this.#marker.refuseNewer(options.signal)
    return readFile(this.#context, choice, file, options)
  }

  /**
   * Returns the path of one file or folder of a checkpoint on this machine, for programs that read it in place. The bytes are not
   * verified, and a deletion of the checkpoint removes them. Rejects with `UNSUPPORTED` if the store is not on a local
   * disk, and with `NOT_FOUND` if there is no such checkpoint or file.
   */
  async localPath(
    choice: CheckpointChoice<Name>,
    file: string,
    options: StoreCallOptions = {},
  ): Promise<string> {
    await this.#marker.refuseNewer(options.signal)
    return localPath(this.#context, choice, file, options.signal)
  }

  /**
   * Returns the names, types and shapes of the tensors in each file of a checkpoint. Reads the beginnings of safetensors
   * files and of uncompressed files of `torch.save`, executes nothing, and does not verify their bytes. Rejects with
   * `NOT_FOUND` if there is no such checkpoint.
   */
  async tensors(
    choice: CheckpointChoice<Name>,
    options: StoreCallOptions = {},
  ): Promise<readonly TensorsOfFile[]> {
    refuseUnknownOptions(options, ['signal'], 'tensors', this.url)
    await this.#marker.refuseNewer(options.signal)
    return tensorsOf(this.#context, choice, options.signal)
  }

  /**
   * Returns all checkpoints except quarantined ones, in the order of their steps. With `orderBy: 'saves'`, in the order in
   * which their saves began, which a rewind makes different from that of the steps. Then the last one is the latest. Returns an
   * empty list if the store has no checkpoint or does not exist. Rejects with `CORRUPT` if the newest catalog cannot be read.
   */
  async list(options: ListOptions & { readonly metadata: true }): Promise<readonly ListedCheckpoint[]>
  async list(options?: ListOptions): Promise<readonly JudgedCheckpoint[]>
  async list(options: ListOptions = {}): Promise<readonly JudgedCheckpoint[]> {
    refuseUnknownOptions(options, ['orderBy', 'metadata', 'signal'], 'list', this.url)
    const { signal, orderBy, metadata = false } = options
    const [judged] = await Promise.all([
      newestJudged(this.#context, signal),
      this.#marker.refuseNewer(signal),
    ])
    const checkpoints = judgedCheckpoints(judged, orderBy)
    return metadata ? withMetadata(this.#context, judged, checkpoints, signal) : checkpoints
  }

  /** Returns the quarantined checkpoints. */
  async quarantined(options: StoreCallOptions = {}): Promise<readonly QuarantinedCheckpoint[]> {
    await this.#marker.refuseNewer(options.signal)
    return quarantinedCheckpoints(this.#context, options.signal)
  }

  /**
   * Returns whether the store exists (`absent` if not) and has checkpoints (`empty` if not). Quarantined checkpoints
   * count. This distinguishes a fresh run or a misspelt location from a store whose checkpoints `restore` could return.
   */
  async presence(options: StoreCallOptions = {}): Promise<Presence> {
    await this.#marker.refuseNewer(options.signal)
    return presenceOf(this.#context, options.signal)
  }

  /** Returns the checkpoints that rewinds abandoned, in the order of their saves. The next save drops most of them. */
  async abandoned(options: StoreCallOptions = {}): Promise<readonly JudgedCheckpoint[]> {
    await this.#marker.refuseNewer(options.signal)
    return abandonedNow(this.#context, options.signal)
  }

  /**
   * Returns the checkpoints that the ranks of a job are saving together and have not committed, with the ranks that have not
   * delivered their part. Sends a few requests, and none beside the catalog if no such job owns the store.
   */
  async unfinishedJointSaves(options: StoreCallOptions = {}): Promise<readonly UnfinishedJointSave[]> {
    await this.#marker.refuseNewer(options.signal)
    return unfinishedJointSaves(this.#context, options.signal)
  }

  /**
   * Returns the latest commits, the oldest first: up to 64 changes of the store, with the checkpoints that they dropped. Sends one
   * list request if nothing has changed since the last call, so a monitor can ask often.
   */
  async history(options: StoreCallOptions = {}): Promise<readonly RecordedCommit[]> {
    refuseUnknownOptions(options, ['signal'], 'history', this.url)
    await this.#marker.refuseNewer(options.signal)
    return recordedCommits(this.#context, options.signal)
  }

  /** Returns the deleted checkpoints that `undo()` can list again, the earliest deleted first. */
  async removed(options: StoreCallOptions = {}): Promise<readonly RemovedCheckpoint[]> {
    refuseUnknownOptions(options, ['signal'], 'removed', this.url)
    await this.#marker.refuseNewer(options.signal)
    return removedCheckpoints(this.#context, options.signal)
  }

  /**
   * Returns what the next save would drop, by the retention in force: that of this process or, if it has none, the one that the
   * last save recorded. It assumes a save of the next step that has the size of the latest checkpoint and no metrics. Changes
   * nothing.
   */
  async nextDrops(options: StoreCallOptions = {}): Promise<readonly NextDrop[]> {
    refuseUnknownOptions(options, ['signal'], 'nextDrops', this.url)
    await this.#marker.refuseNewer(options.signal)
    return nextDrops(this.#context, options.signal)
  }

  /** Returns the newest checkpoint, or `undefined` if there is none. Sends two requests, since it skips the marker. */
  async latest(options: StoreCallOptions = {}): Promise<Checkpoint | undefined> {
    const found = await findCheckpoint(this.#context, 'latest', options.signal)
    return found === undefined ? undefined : factsOf(found.entry)
  }

  /** Returns the best checkpoint of the named or only objective, or `undefined` if no checkpoint has its metric. */
  async best(objective?: Name, options: StoreCallOptions = {}): Promise<JudgedCheckpoint | undefined> {
    await this.#marker.refuseNewer(options.signal)
    return bestCheckpoint(this.#context, objective, options.signal)
  }

  /**
   * Returns a checkpoint with its files and metadata, or `undefined` if it does not exist. Rejects with `CORRUPT` if its
   * manifest is corrupt or the step is quarantined.
   */
  async get(
    choice: CheckpointChoice<Name>,
    options: StoreCallOptions = {},
  ): Promise<CheckpointDetails | undefined> {
    await this.#marker.refuseNewer(options.signal)
    return checkpointDetails(this.#context, choice, options.signal)
  }

  /** Returns the metrics and scores of every step that ever had metrics, also if its checkpoint is deleted. */
  async metrics(options: StoreCallOptions = {}): Promise<readonly MeasuredStep[]> {
    await this.#marker.refuseNewer(options.signal)
    return measuredSteps(await newestJudged(this.#context, options.signal))
  }

  /** Returns the objectives that have no value yet, with the metrics that are recorded. */
  async unscored(options: StoreCallOptions = {}): Promise<readonly UnscoredObjective[]> {
    await this.#marker.refuseNewer(options.signal)
    return unscoredObjectives(await newestJudged(this.#context, options.signal))
  }

  /** Returns how long an objective has not improved, for early stopping. Includes steps whose checkpoints are deleted. */
  async plateau(objective: Name, options: StoreCallOptions = {}): Promise<Plateau> {
    await this.#marker.refuseNewer(options.signal)
    return plateau(await newestJudged(this.#context, options.signal), objective)
  }
}
