import { join } from 'node:path'
import { type ReadOptions, resolveRange } from '../../backend/index.ts'
import {
  type CatalogEntry,
  composed,
  type Manifest,
  type ManifestFile,
  objectKey,
} from '../../catalog/documents/index.ts'
import type { CheckpointChoice } from '../../catalog/judging/choose.ts'
import { HoldfastError } from '../../errors.ts'
import { noSuchFile } from '../attempts/no-such-file.ts'
import { payloadReader } from '../attempts/payload-reader.ts'
import { isWholeObject } from '../attempts/whole-object.ts'
import { verifiedFile, readPart } from '../attempts/read-verified.ts'
import type { StoreContext } from '../context/context.ts'
import { requireWithManifest } from './find.ts'

/** One file of a checkpoint as a stream. */
export interface StreamedFile {
  /** The size of the whole file in bytes. */
  readonly size: number
  /** The digest of the whole file. */
  readonly sha256: string
  readonly body: ReadableStream<Uint8Array>
}

/** The options of `store.read()`. */
export interface ReadFileOptions {
  /**
   * Reads only the bytes from `start` to `end` (exclusive; default: to the end of the file). They are not verified, because
   * the digest is that of the whole file.
   */
  readonly range?: ReadOptions['range']
  readonly signal?: AbortSignal | undefined
}

/**
 * Opens one file of a checkpoint. The stream fails with `CORRUPT` unless every byte matches the saved file or, with a
 * range, if it has another length.
 */
export async function readFile(
  context: StoreContext,
  choice: CheckpointChoice,
  name: string,
  { range, signal }: ReadFileOptions,
): Promise<StreamedFile> {
  const reader = payloadReader(context)
  const { entry, file } = await requireFile(context, choice, name, signal)
  const { size, sha256 } = file
  if (range === undefined)
    return { size, sha256, body: await verifiedFile(reader, entry.attempt, file, signal) }
  const { start, end } = resolveRange(range, size, name, reader.url)
  return { size, sha256, body: await readPart(reader, entry.attempt, file, { start, end }, signal) }
}

/** Returns the path of one file or folder of a checkpoint on this machine. Rejects with `UNSUPPORTED` if it has none. */
export async function localPath(
  context: StoreContext,
  choice: CheckpointChoice,
  name: string,
  signal: AbortSignal | undefined,
): Promise<string> {
  const { url, capabilities } = context.backend
  if (capabilities.localRoot === undefined) {
    throw new HoldfastError(
      'UNSUPPORTED',
      `${url} is not on a disk of this machine, so its files have no local path. Restore the checkpoint instead.`,
    )
  }
  const { entry, manifest } = await requireWithManifest(context, choice, signal)
  const folder = name.replace(/\/+$/, '')
  const inFolder = manifest.files.filter((file) => file.name.startsWith(`${folder}/`))
  if (inFolder.length === 0) {
    const file = fileNamed(entry, manifest, name)
    if (!isWholeObject(file)) throw isPacked(name, entry, url)
    return join(capabilities.localRoot, ...objectKey(entry.attempt, file.object).split('/'))
  }
  // Each of its files must lie in one folder under its own name.
  const [{ object: first, name: firstName } = { object: '', name: '' }] = inFolder
  const root = first.slice(0, first.length - firstName.length + folder.length)
  const isInPlace = (file: ManifestFile): boolean =>
    isWholeObject(file) && file.object === `${root}${file.name.slice(folder.length)}`
  if (!inFolder.every(isInPlace)) throw isPacked(name, entry, url)
  return join(capabilities.localRoot, ...objectKey(entry.attempt, root).split('/'))
}

function isPacked(name: string, { step }: CatalogEntry, url: string): HoldfastError {
  return new HoldfastError(
    'UNSUPPORTED',
    `${JSON.stringify(name)} of step ${step} has no path of its own, because it was saved in one object with other small files.`,
    { url, hint: { kind: 'packed' } },
  )
}

async function requireFile(
  context: StoreContext,
  choice: CheckpointChoice,
  name: string,
  signal: AbortSignal | undefined,
): Promise<{ readonly entry: CatalogEntry; readonly file: ManifestFile }> {
  const { entry, manifest } = await requireWithManifest(context, choice, signal)
  return { entry, file: fileNamed(entry, manifest, name) }
}

function fileNamed({ step }: CatalogEntry, { files }: Manifest, name: string): ManifestFile {
  const file = files.find((each) => composed(each.name) === composed(name))
  if (file !== undefined) return file
  const names = files.map((each) => each.name)
  throw noSuchFile(step, name, names)
}
