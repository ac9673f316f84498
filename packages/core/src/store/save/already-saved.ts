import { isDeepStrictEqual } from 'node:util'
import { isFileSource } from '../../backend/index.ts'
import { fileChunks, openFile, refuseChanged } from '../../backend/source/open-file.ts'
import type { CatalogEntry, Manifest } from '../../catalog/documents/index.ts'
import { StreamingDigest } from '../../integrity/index.ts'
import { parseStoredJson, stringifyJson } from '../../input/json.ts'
import { isHoldfastError, throwIfAborted } from '../../errors.ts'
import type { PlannedFile } from '../attempts/content.ts'
import { FiniteRequirement } from '../attempts/require-finite.ts'
import { verifiedManifest } from '../attempts/read-verified.ts'
import type { StoreContext } from '../context/context.ts'
import type { SaveRequest } from './request.ts'

/** Bytes that are read from a file at once. */
const chunkBytes = 2 ** 20

/**
 * Returns the manifest of a listed checkpoint if a request would save the same again: the same files with the same bytes, and
 * no other epoch, tags, metadata or data state. Reads the files only if their names and sizes are equal. A stream can be read
 * once, so it counts as different if `mayReadStreams` is false.
 */
export async function sameAs(
  context: StoreContext,
  entry: CatalogEntry,
  request: SaveRequest,
  files: readonly PlannedFile[],
  mayReadStreams: boolean,
): Promise<Manifest | undefined> {
  if (entry.fileCount !== files.length) return undefined
  return sameWithin(context, entry, request, files, mayReadStreams)
}

/** The same for files that are a part of a checkpoint, which may have other files. */
export async function sameWithin(
  context: StoreContext,
  entry: CatalogEntry,
  request: SaveRequest,
  files: readonly PlannedFile[],
  mayReadStreams: boolean,
): Promise<Manifest | undefined> {
  const { signal } = request
  const manifest = await verifiedManifest(context.backend, entry, signal).catch((error: unknown) => {
    if (isHoldfastError(error, 'CORRUPT')) return undefined
    throw error
  })
  if (manifest === undefined || !hasSameDescription(manifest, request)) return undefined
  const byName = new Map(manifest.files.map((saved) => [saved.name, saved]))
  const pairs = files.map((file) => ({ file, saved: byName.get(file.name) }))
  const mayBeSame = pairs.every(
    ({ file, saved }) =>
      saved !== undefined &&
      (file.size === undefined ? mayReadStreams : saved.size === file.size) &&
      (file.mode === undefined || saved.mode === undefined || file.mode === saved.mode),
  )
  if (!mayBeSame) return undefined
  for (const { file, saved } of pairs)
    if (saved === undefined || (await digestOf(file, saved.size, request)) !== saved.sha256) return undefined
  return manifest
}

function hasSameDescription(manifest: Manifest, request: SaveRequest): boolean {
  const { epoch, tags, metadata, dataState } = request
  const pairs = [
    [epoch, manifest.epoch],
    [tags?.toSorted(), manifest.tags.toSorted()],
    [metadata, manifest.metadata],
    [dataState, manifest.dataState],
  ]
  return pairs.every(([given, saved]) => given === undefined || isDeepStrictEqual(stored(given), saved))
}

/** The value after it was written and read. */
function stored(value: unknown): unknown {
  return parseStoredJson(stringifyJson(value))
}

/**
 * The digest of a file; `undefined` as soon as it has more bytes than `size`, since a stream may never end. Checks its tensors
 * on the way if the request wants that.
 */
async function digestOf(
  { name, source }: PlannedFile,
  size: number,
  { signal, requireFinite = false }: SaveRequest,
): Promise<string | undefined> {
  const digest = new StreamingDigest()
  const tensors = requireFinite ? new FiniteRequirement().of(name) : undefined
  const observer = tensors?.observe()
  for await (const chunk of chunksIn(source)) {
    throwIfAborted(signal, 'The comparison with the saved checkpoint')
    digest.update(chunk)
    if (digest.bytes > size) return undefined
    observer?.update(chunk)
  }
  tensors?.require(digest.bytes)
  return digest.sha256()
}

async function* chunksIn(source: PlannedFile['source']): AsyncGenerator<Uint8Array> {
  if (source instanceof Uint8Array) yield source
  else if (!isFileSource(source)) yield* source
  else {
    const file = await openFile(source.path)
    try {
      const bufferOf = (bytes: number): Uint8Array => Buffer.allocUnsafe(bytes)
      yield* fileChunks(file, { start: 0, end: Number(file.before.size), chunkBytes, bufferOf })
      await refuseChanged(file)
    } finally {
      await file.handle.close()
    }
  }
}
