import type { CheckpointBackend, PutResult } from '../../backend/index.ts'
import { sha256Hex } from '../../integrity/index.ts'
import {
  type AttemptId,
  type CatalogEntry,
  encodeManifest,
  type Manifest,
  type ManifestFile,
  manifestKey,
  newManifest,
  objectKey,
  storedMetrics,
} from '../../catalog/documents/index.ts'
import { concurrently } from '../../backend/index.ts'
import { filesAtOnce } from '../../async/files-at-once.ts'
import type { AttemptContent, PlannedFile } from './content.ts'
import { FiniteObservation } from './require-finite.ts'
import { HoldfastError } from '../../errors.ts'
import type { OrderKey } from '../../order-key.ts'

/** An attempt whose files and manifest are durable, ready to be committed. */
export interface WrittenAttempt {
  readonly entry: CatalogEntry
  readonly manifest: Manifest
}

/** The time at which a save began by the clock of the writer, and its position in the order of saves. */
export interface Began {
  readonly savedAt: string
  readonly order: OrderKey
  /** The attempt of the checkpoint from which the run continued, if that is known. */
  readonly resumed?: AttemptId | undefined
}

/**
 * Writes the files under the prefix of the attempt, below `folder` if one is given, and hashes them on the way.
 */
export async function writeFiles(
  backend: CheckpointBackend,
  attempt: AttemptId,
  files: readonly PlannedFile[],
  { signal, onProgress, requireFinite = false }: AttemptContent,
  folder = '',
): Promise<readonly ManifestFile[]> {
  const sizes = files.map(({ size }) => size)
  const total = sizes.every((size) => size !== undefined)
    ? sizes.reduce((sum, size) => sum + size, 0)
    : undefined
  const atOnce = filesAtOnce(sizes, backend.capabilities.smallObjectsAtOnce)
  let bytes = 0
  return concurrently(files, atOnce, signal, async ({ name, source, size, sha256, mode }, taskSignal) => {
    let before = 0
    const tensors = requireFinite ? new FiniteObservation(name) : undefined
    const put = await backend.put(objectKey(attempt, `${folder}${name}`), source, {
      size,
      signal: taskSignal,
      observe: tensors?.observe,
      onProgress: (stored) => {
        bytes += stored - before
        before = stored
        onProgress?.({ bytes, total })
      },
    })
    if (sha256 !== undefined && put.sha256 !== sha256) throw otherDigest(name, put.sha256, sha256)
    tensors?.require(put.size)
    return manifestFile(name, `${folder}${name}`, mode, put)
  })
}

function otherDigest(name: string, found: string, expected: string): HoldfastError {
  return new HoldfastError(
    'INVALID_ARGUMENT',
    `The file ${JSON.stringify(name)} has the SHA-256 ${found}, but ${expected} was expected. Nothing was saved. ` +
      'Check the program that writes it.',
  )
}

/** Writes the manifest after all files that it lists. From then on, a repair may find the complete attempt. */
export async function writeManifest(
  backend: CheckpointBackend,
  attempt: AttemptId,
  written: readonly ManifestFile[],
  request: AttemptContent,
  began: Began,
): Promise<WrittenAttempt> {
  const manifest = describeCheckpoint(attempt, written, request, began)
  const bytes = encodeManifest(manifest)
  const { signal } = request
  const key = manifestKey(attempt)
  const put = await backend.put(key, bytes, {
    size: bytes.byteLength,
    contentType: 'application/json',
    signal,
  })
  const storedAt = put.storedAt ?? (await backend.stat(key, { signal }))?.modifiedAt
  const time = storedAt === undefined ? {} : { storedAt: storedAt.toISOString() }
  return { entry: { ...entryOf(manifest, bytes), ...time }, manifest }
}

/** Returns the catalog line of a checkpoint whose manifest has these bytes. */
export function entryOf(manifest: Manifest, bytes: Uint8Array): CatalogEntry {
  const { step, epoch, attempt, savedAt, order, origin, resumed, metrics, tags, files } = manifest
  return {
    step,
    ...(epoch === undefined ? {} : { epoch }),
    attempt,
    manifest: { sha256: sha256Hex(bytes), size: bytes.byteLength },
    fileCount: files.length,
    bytes: files.reduce((sum, { size }) => sum + size, 0),
    savedAt,
    order,
    ...(origin === undefined ? {} : { origin }),
    ...(resumed === undefined ? {} : { resumed }),
    metrics,
    tags,
  }
}

function manifestFile(
  name: string,
  object: string,
  mode: number | undefined,
  { size, sha256, revision, storeDigest }: PutResult,
): ManifestFile {
  return {
    name,
    object,
    size,
    sha256,
    ...(mode === undefined ? {} : { mode }),
    revision,
    ...(storeDigest === undefined ? {} : { storeDigest: { ...storeDigest } }),
  }
}

function describeCheckpoint(
  attempt: AttemptId,
  files: readonly ManifestFile[],
  request: AttemptContent,
  { savedAt, order, resumed }: Began,
): Manifest {
  const { step, epoch, metrics = {}, tags = [], metadata, dataState } = request
  return newManifest({
    attempt,
    step,
    epoch,
    savedAt,
    order,
    ...(resumed === undefined ? {} : { resumed }),
    files,
    metrics: storedMetrics(metrics),
    tags,
    ...(metadata === undefined ? {} : { metadata }),
    ...(dataState === undefined ? {} : { dataState }),
  })
}
