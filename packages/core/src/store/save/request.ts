import { refuseUnknownOptions } from '../../input/unknown-options.ts'
import type { ByteSource } from '../../backend/index.ts'
import type { DataState } from '../../data/state.ts'
import { assertStep } from '../../catalog/documents/index.ts'
import { HoldfastError } from '../../errors.ts'
import { assertJson, assertWellFormed, type JsonValue } from '../../input/json.ts'
import { membersOf } from '../../input/records.ts'
import { shown } from '../../input/shown.ts'
import { assertPackMode, type PackMode } from '../context/pack-mode.ts'
import { assertUnchangedMode, type UnchangedMode } from '../context/unchanged-mode.ts'

/** A stream with its known size or digest. If its bytes differ, nothing is saved. */
export interface ExpectedStream {
  readonly stream: AsyncIterable<Uint8Array> | ReadableStream<Uint8Array>
  /** The size in bytes. */
  readonly size?: number | undefined
  /** The SHA-256 in lower-case hexadecimal. */
  readonly sha256?: string | undefined
}

/**
 * The path of a local file or folder, bytes, or a stream. The end of a stream counts as the end of the file, so a stream
 * whose producer fails must throw, or its size or digest must be known.
 */
export type FileContent = string | ByteSource | ExpectedStream

/** The files of a checkpoint: contents by name, or paths of files and folders, which keep their names. */
export type FilesToSave = string | readonly string[] | Readonly<Record<string, FileContent>>

/** `Array.isArray` does not narrow a list that is read-only. */
export function isListOfPaths(files: FilesToSave): files is readonly string[] {
  return Array.isArray(files)
}

/** A checkpoint to save, and how to save it. */
export interface SaveRequest {
  /** The number that identifies the checkpoint: an integer of at least 0. */
  readonly step: number
  /** A number of at least 0, such as 2.5 in the middle of the third epoch. */
  readonly epoch?: number | undefined
  readonly files: FilesToSave
  /**
   * Glob patterns of files and folders to exclude, such as `*.log` or `wandb/`. A file `.holdfastignore` in a saved
   * folder adds more patterns. Default: none.
   */
  readonly exclude?: readonly string[] | undefined
  /** Numbers by name. NaN and infinities are preserved. */
  readonly metrics?: Readonly<Record<string, number>> | undefined
  readonly tags?: readonly string[] | undefined
  /** Any JSON value. Pass an integer beyond 2^53 - 1 as a `bigint`. */
  readonly metadata?: JsonValue | undefined
  /** The position in the data, as `stateDict()` of a loader returns it. */
  readonly dataState?: DataState | JsonValue | undefined
  /**
   * What to do if the step is already saved. Default: `fail`. `replace` replaces it in one commit. It rejects with
   * `INVALID_ARGUMENT` if the checkpoint is pinned, or is the best of an objective and `allowBest` is not set.
   */
  readonly onExisting?: 'fail' | 'replace' | undefined
  /** Lets `replace` replace the best checkpoint of an objective. Default: false. */
  readonly allowBest?: boolean | undefined
  /**
   * Rejects with `INVALID_ARGUMENT` if a tensor of a file contains NaN or infinity. Checks safetensors files and
   * uncompressed files of `torch.save` while they are stored. Files in other formats are not checked. Default: false.
   */
  readonly requireFinite?: boolean | undefined
  /** Whether small files are stored together in few objects. Default: the option `packs` of the store. */
  readonly packs?: PackMode | undefined
  /** What happens to files that have not changed since the latest checkpoint. Default: the option `unchanged` of the store. */
  readonly unchanged?: UnchangedMode | undefined
  /**
   * Keeps the place of the checkpoint in the order of saves if the same bytes are saved already. By default it becomes the
   * latest if the run has gone back since. Use it to adopt files whose time of saving is not known. Default: false.
   */
  readonly keepsOrder?: boolean | undefined
  /**
   * When the program that saves started. `replace` does not replace a checkpoint that was saved later. Default: the start of
   * the save.
   */
  readonly startedAt?: Date | undefined
  readonly signal?: AbortSignal | undefined
  /**
   * Called when every file is stored, before the commit. If it rejects, nothing is saved, and the save rejects with the
   * same error. Use it to check that several files still belong together.
   */
  readonly beforeCommit?: (() => Promise<void>) | undefined
  /** Called as bytes are stored. `total` is defined if every size is known beforehand. */
  readonly onProgress?:
    | ((progress: { readonly bytes: number; readonly total: number | undefined }) => void)
    | undefined
}

const saveFields = [
  'step',
  'epoch',
  'files',
  'exclude',
  'metrics',
  'tags',
  'metadata',
  'dataState',
  'onExisting',
  'allowBest',
  'requireFinite',
  'packs',
  'unchanged',
  'keepsOrder',
  'startedAt',
  'signal',
  'beforeCommit',
  'onProgress',
] as const satisfies readonly (keyof SaveRequest)[]

/** Throws `INVALID_ARGUMENT` for a request that cannot be stored without loss. */
export function assertSaveRequest(request: SaveRequest): void {
  if (!isObject(request)) throw invalid('A save must be an object such as { step: 1, files: "model.bin" }.')
  refuseUnknownOptions(request, saveFields, 'A save')
  assertStep(request.step)
  assertFiles(request.files)
  if (request.epoch !== undefined && !(Number.isFinite(request.epoch) && request.epoch >= 0)) {
    throw invalid(`The epoch must be a number of at least 0, not ${String(request.epoch)}.`)
  }
  assertMetrics(request.metrics ?? {})
  if (request.tags?.some((tag) => typeof tag !== 'string' || tag === '') === true) {
    throw invalid('Tags must be non-empty strings.')
  }
  if (!(request.exclude ?? []).every((pattern) => typeof pattern === 'string')) {
    throw invalid('exclude must be a list of strings.')
  }
  for (const tag of request.tags ?? []) assertWellFormed(tag, 'A tag')
  if (request.onExisting !== undefined && !['fail', 'replace'].includes(request.onExisting)) {
    throw invalid(`onExisting must be 'fail' or 'replace', not ${shown(request.onExisting)}.`)
  }
  if (request.allowBest !== undefined && typeof request.allowBest !== 'boolean') {
    throw invalid(`allowBest must be true or false, not ${shown(request.allowBest)}.`)
  }
  if (request.requireFinite !== undefined && typeof request.requireFinite !== 'boolean') {
    throw invalid(`requireFinite must be true or false, not ${shown(request.requireFinite)}.`)
  }
  assertPackMode(request.packs)
  assertUnchangedMode(request.unchanged)
  if (request.keepsOrder !== undefined && typeof request.keepsOrder !== 'boolean') {
    throw invalid(`keepsOrder must be true or false, not ${shown(request.keepsOrder)}.`)
  }
  if (request.startedAt !== undefined && !(request.startedAt instanceof Date)) {
    throw invalid(`startedAt must be a Date, not ${kindOf(request.startedAt)}.`)
  }
  if (request.beforeCommit !== undefined && typeof request.beforeCommit !== 'function') {
    throw invalid(`beforeCommit must be a function, not ${kindOf(request.beforeCommit)}.`)
  }
  assertJson(request.metadata, 'metadata')
  assertJson(request.dataState, 'dataState')
}

/** Throws `INVALID_ARGUMENT` unless `files` is a path, a list of paths, or an object of contents by name. */
function assertFiles(files: unknown): void {
  if (typeof files === 'string') return
  if (Array.isArray(files)) {
    for (const [index, file] of files.entries()) {
      if (typeof file !== 'string')
        throw invalid(
          `files[${index}] must be a path, not ${kindOf(file)}. To pass contents, name them: { 'model.bin': bytes }.`,
        )
    }
  } else if (!isObject(files) || ArrayBuffer.isView(files) || Symbol.asyncIterator in files) {
    throw invalid(
      `files must be a path, a list of paths, or an object of contents by name, not ${kindOf(files)}. To pass contents, name them: { 'model.bin': bytes }.`,
    )
  }
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}

function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value)
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`
}

export function assertMetrics(metrics: Readonly<Record<string, number>>): void {
  for (const [name, value] of membersOf(metrics, 'metrics')) {
    if (typeof value !== 'number')
      throw invalid(`The metric ${JSON.stringify(name)} must be a number, not ${typeof value}.`)
    if (name === '') throw invalid('A metric must have a name.')
    assertWellFormed(name, 'The name of a metric')
  }
}

function invalid(message: string): HoldfastError {
  return new HoldfastError('INVALID_ARGUMENT', message)
}
