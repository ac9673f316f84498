import { concurrently } from '../../async/concurrently.ts'
import { type CheckpointBackend, compareKeys, type PutOptions, type PutResult } from '../../backend/index.ts'
import { putAhead } from '../../backend/write-ahead.ts'
import { sha256Hex } from '../../integrity/index.ts'
import {
  type AttemptId,
  type CatalogEntry,
  encodeManifest,
  type Manifest,
  type ManifestFile,
  manifestKey,
  manifestName,
  newManifest,
  objectKey,
  storedMetrics,
  type Timing,
} from '../../catalog/documents/index.ts'
import { Slots } from '../../async/slots.ts'
import { filesAtOnce } from '../../async/files-at-once.ts'
import type { AttemptContent, PlannedFile } from './content.ts'
import { inlineFiles, planInline } from './inline.ts'
import { listedMetadata } from './listed-metadata.ts'
import { refuseOtherDigest } from './other-digest.ts'
import { packsAtOnce, planPacks } from './packs/plan-packs.ts'
import { packObject, type PackOptions, writePack } from './packs/write-pack.ts'
import type { StoreContext } from '../context/context.ts'
import type { PackMode } from '../context/pack-mode.ts'
import type { OrderKey } from '../../order-key.ts'

/**
 * The manifest of an attempt, and the line of the catalog to commit. During a save, neither the files nor the manifest need be
 * durable yet.
 */
export interface WrittenAttempt {
  readonly entry: CatalogEntry
  readonly manifest: Manifest
}

/** The time at which a save began by the clock of the writer, and its position in the order of saves. */
export interface AttemptStart {
  readonly savedAt: string
  readonly order: OrderKey
  /** The attempt of the checkpoint from which the run continued, if that is known. */
  readonly resumed?: AttemptId | undefined
  readonly timing?: Timing | undefined
}

/** The folder to write to, and a callback. */
export interface WriteOptions {
  /** The folder below the prefix of the attempt. It ends with `/`. Default: none. */
  readonly folder?: string
  /** Called with the result when all objects have their names, before they are durable. Not called if there are none. */
  readonly onVisible?: (files: readonly ManifestFile[]) => void
}

/**
 * Writes the files under the prefix of the attempt, below `folder` if one is given, and hashes them on the way. Small files may
 * be stored together in packs. A small checkpoint without a folder may be stored in its manifest. Then nothing is written yet.
 */
export async function writeFiles(
  { backend, transfers }: StoreContext,
  attempt: AttemptId,
  files: readonly PlannedFile[],
  content: AttemptContent,
  { folder = '', onVisible }: WriteOptions = {},
): Promise<readonly ManifestFile[]> {
  const { signal, packs: packMode, finite, reuse } = content
  const inline = folder === '' ? planInline(files, packMode, backend.capabilities) : undefined
  if (inline !== undefined) {
    const bytes = inline.reduce((sum, { size }) => sum + size, 0)
    const read = await inlineFiles(inline, { signal, finite })
    content.onProgress?.({ bytes, total: bytes })
    return read
  }
  const objects = objectsToWrite(backend, attempt, files, folder, packMode)
  const sizes = objects.map(({ size }) => size)
  const atOnce = filesAtOnce(sizes, backend.capabilities.smallObjectsAtOnce)
  const progress = new Progress(sizes, content.onProgress)
  using transfer = transfers.upload?.begin()
  const pace = transfer?.pace
  const visible: (readonly ManifestFile[])[] = []
  const onObjectVisible = (stored: readonly ManifestFile[]): void => {
    visible.push(stored)
    if (visible.length === objects.length) onVisible?.(inOrder(visible))
  }
  const written = await concurrently(objects, atOnce, signal, ({ write }, taskSignal) =>
    write({
      signal: taskSignal,
      finite,
      reuse,
      pace,
      onProgress: progress.ofObject(),
      onVisible: onObjectVisible,
    }),
  )
  return inOrder(written)
}

function inOrder(written: readonly (readonly ManifestFile[])[]): readonly ManifestFile[] {
  return written.flat().sort((one, other) => compareKeys(one.name, other.name))
}

/** One object to write: a file, or a pack of files. */
interface ObjectToWrite {
  /** The size in bytes, if it is known. */
  readonly size: number | undefined
  readonly write: (options: PackOptions) => Promise<readonly ManifestFile[]>
}

/** Returns the objects that have the files, in the order in which their writes begin. */
function objectsToWrite(
  backend: CheckpointBackend,
  attempt: AttemptId,
  files: readonly PlannedFile[],
  folder: string,
  packMode: PackMode,
): readonly ObjectToWrite[] {
  const { packs, singles } = planPacks(files, packMode, backend.capabilities)
  const atOnceOfPacks = packsAtOnce(backend.capabilities)
  const packsInTurn = new Slots(atOnceOfPacks)
  const packsToWrite = packs.map(
    (packed, index): ObjectToWrite => ({
      size: packed.reduce((sum, { size }) => sum + size, 0),
      write: (options) =>
        packsInTurn.run(() =>
          writePack(backend, attempt, packObject(folder, String(index)), packed, options),
        ),
    }),
  )
  const singlesToWrite = singles.map(
    (file): ObjectToWrite => ({
      size: file.size,
      write: async (options) => [await writeFile(backend, attempt, file, folder, options)],
    }),
  )
  // Packs that wait for their turn come last, so that no file waits for them.
  return [...packsToWrite.slice(0, atOnceOfPacks), ...singlesToWrite, ...packsToWrite.slice(atOnceOfPacks)]
}

async function writeFile(
  backend: CheckpointBackend,
  attempt: AttemptId,
  file: PlannedFile,
  folder: string,
  { signal, finite, reuse, pace, onProgress, onVisible }: PackOptions,
): Promise<ManifestFile> {
  const { name, source, size, sha256, mode } = file
  const object = `${folder}${name}`
  const tensors = finite?.of(name)
  const observe = tensors?.observe
  const unchanged = reuse?.of(file)
  const listed = (put: PutResult): ManifestFile =>
    manifestFile(name, object, mode, put, put.reused === 'shared' ? unchanged?.writtenBy : undefined)
  const options: PutOptions = {
    size,
    signal,
    observe,
    pace,
    onProgress,
    onVisible: (visible) => {
      onVisible([listed(visible)])
    },
  }
  const put = await putAhead(
    backend,
    objectKey(attempt, object),
    source,
    unchanged === undefined ? options : { ...options, unchanged },
  )
  refuseOtherDigest(name, put.sha256, sha256)
  tensors?.require(put.size)
  if (reuse !== undefined && put.reused !== undefined) reuse.bytes += put.size
  return listed(put)
}

/** Adds up how many bytes of the objects of an attempt are stored. */
class Progress {
  readonly #total: number | undefined
  readonly #onProgress: AttemptContent['onProgress']
  #bytes = 0

  constructor(sizes: readonly (number | undefined)[], onProgress: AttemptContent['onProgress']) {
    const known = sizes.filter((size) => size !== undefined)
    this.#total = known.length < sizes.length ? undefined : known.reduce((sum, size) => sum + size, 0)
    this.#onProgress = onProgress
  }

  /** Returns a function that takes the number of stored bytes of one object. */
  ofObject(): (stored: number) => void {
    let before = 0
    return (stored) => {
      this.#bytes += stored - before
      before = stored
      this.#onProgress?.({ bytes: this.#bytes, total: this.#total })
    }
  }
}

/** A manifest that is written while its files become durable. */
export interface ManifestOptions extends Pick<PutOptions, 'beforeVisible'> {
  /** Called with the result when the manifest has its name, before it is durable. */
  readonly onVisible?: (written: WrittenAttempt) => void
}

/**
 * Writes the manifest. The caller ensures that it becomes visible after all files that it lists are durable. From then on, a
 * repair may find the complete attempt.
 */
export async function writeManifest(
  backend: CheckpointBackend,
  attempt: AttemptId,
  written: readonly ManifestFile[],
  request: AttemptContent,
  start: AttemptStart,
  { beforeVisible, onVisible }: ManifestOptions = {},
): Promise<WrittenAttempt> {
  const manifest = describeCheckpoint(attempt, written, request, start)
  const bytes = encodeManifest(manifest)
  const { signal } = request
  const key = manifestKey(attempt)
  const writtenAt = (storedAt: Date | undefined): WrittenAttempt => {
    const time = storedAt === undefined ? {} : { storedAt: storedAt.toISOString() }
    return { entry: { ...entryOf(manifest, bytes), ...time }, manifest }
  }
  const put = await putAhead(backend, key, bytes, {
    size: bytes.byteLength,
    contentType: 'application/json',
    signal,
    beforeVisible,
    onVisible: ({ storedAt }) => {
      if (storedAt !== undefined) onVisible?.(writtenAt(storedAt))
    },
  })
  return writtenAt(put.storedAt ?? (await backend.stat(key, { signal }))?.modifiedAt)
}

/** Returns the catalog line of a checkpoint whose manifest has these bytes. */
export function entryOf(manifest: Manifest, bytes: Uint8Array): CatalogEntry {
  const { step, epoch, attempt, savedAt, order, origin, resumed, timing, metrics, tags, files } = manifest
  const listed = listedMetadata(manifest.metadata)
  return {
    step,
    ...(epoch === undefined ? {} : { epoch }),
    attempt,
    manifest: { sha256: sha256Hex(bytes), size: bytes.byteLength },
    fileCount: files.length,
    bytes: files.reduce((sum, { size }) => sum + size, 0),
    ...storageOf(files),
    savedAt,
    order,
    ...(origin === undefined ? {} : { origin }),
    ...(resumed === undefined ? {} : { resumed }),
    ...(timing === undefined ? {} : { timing }),
    metrics,
    tags,
    ...(listed === undefined ? {} : { metadata: listed }),
  }
}

/** Returns how many objects have the files if it is not one each, and which bytes other attempts wrote. */
function storageOf(files: readonly ManifestFile[]): Pick<CatalogEntry, 'objects' | 'shared'> {
  const objects = new Set(files.map(({ object }) => object).filter((object) => object !== manifestName)).size
  const byWriter = Map.groupBy(files, ({ sharedWith }) => sharedWith)
  const shared = [...byWriter].flatMap(([attempt, of]) =>
    attempt === undefined
      ? []
      : [{ attempt, files: of.length, bytes: of.reduce((sum, { size }) => sum + size, 0) }],
  )
  return {
    ...(objects === files.length ? {} : { objects }),
    ...(shared.length === 0 ? {} : { shared }),
  }
}

function manifestFile(
  name: string,
  object: string,
  mode: number | undefined,
  { size, sha256, revision, storeDigest }: PutResult,
  sharedWith: AttemptId | undefined,
): ManifestFile {
  return {
    name,
    object,
    size,
    sha256,
    ...(mode === undefined ? {} : { mode }),
    revision,
    ...(storeDigest === undefined ? {} : { storeDigest: { ...storeDigest } }),
    ...(sharedWith === undefined ? {} : { sharedWith }),
  }
}

function describeCheckpoint(
  attempt: AttemptId,
  files: readonly ManifestFile[],
  request: AttemptContent,
  { savedAt, order, resumed, timing }: AttemptStart,
): Manifest {
  const { step, epoch, metrics = {}, tags = [], metadata, dataState } = request
  return newManifest({
    attempt,
    step,
    epoch,
    savedAt,
    order,
    ...(resumed === undefined ? {} : { resumed }),
    ...(timing === undefined ? {} : { timing }),
    files,
    metrics: storedMetrics(metrics),
    tags,
    ...(metadata === undefined ? {} : { metadata }),
    ...(dataState === undefined ? {} : { dataState }),
  })
}
