import type { Look } from '../../async/second-look.ts'
import type { CheckpointBackend, PutOptions, ReopenableSource } from '../../backend/index.ts'
import { type AttemptId, type ManifestFile, objectKey } from '../../catalog/documents/index.ts'
import { HoldfastError, isHoldfastError } from '../../errors.ts'
import { AttemptReader } from '../attempts/packs/attempt-reader.ts'
import type { PayloadReader } from '../attempts/payload-reader.ts'
import { isWholeObject } from '../attempts/whole-object.ts'
import { readPart, unverifiedChunks } from '../attempts/read-verified.ts'
import { sourceObject } from '../attempts/source-object.ts'
import { storeNewPack } from './copy-new-pack.ts'
import { withoutPlace, withoutStore } from './new-packs.ts'
import type { ObjectToCopy, StoredObject } from './objects-to-copy.ts'

/** Between what a copy moves bytes. */
export interface EndsOfCopy {
  readonly source: CheckpointBackend
  readonly sourceReader: PayloadReader
  /** Opens the files that are read one by one. */
  readonly reader: AttemptReader
  readonly destination: CheckpointBackend
  /** The attempts at the source and at the destination. */
  readonly from: AttemptId
  readonly to: AttemptId
}

type StoringOptions = Pick<PutOptions, 'onProgress' | 'pace'> & { readonly signal: AbortSignal }

/** What was stored. */
export interface ObjectOfCopy {
  /** As the manifest of the copy lists them. */
  readonly files: readonly ManifestFile[]
  /** Bytes that an earlier put had stored. */
  readonly bytesBefore: number
}

/** Stores one object of a copy. Rejects with `CORRUPT` before the destination shows it if its bytes are wrong. */
export async function storeObject(
  ends: EndsOfCopy,
  object: ObjectToCopy,
  look: Look,
  options: StoringOptions,
): Promise<ObjectOfCopy> {
  if (object.kind !== 'new pack') return storeAsListed(ends, object, look, options)
  const { source, sourceReader, reader, destination, from, to } = ends
  const open = (file: ManifestFile): Promise<AsyncIterable<Uint8Array>> =>
    look === 1 && isWholeObject(file)
      ? unverifiedChunks(sourceReader, from, file, options.signal)
      : reader.open(file, options.signal, look)
  return {
    files: await storeNewPack(destination, to, object, { url: source.url, open }, options),
    bytesBefore: 0,
  }
}

/** Stores an object whose digest the manifest of the source has. */
async function storeAsListed(
  { source, sourceReader, reader, destination, from, to }: EndsOfCopy,
  object: StoredObject,
  look: Look,
  options: StoringOptions,
): Promise<ObjectOfCopy> {
  const { file, size } = object
  const { sha256 } = file
  const { resumesPuts } = destination.capabilities
  // The second look verifies the bytes itself, and so decides whether the source is damaged.
  const isVerifiedByPut = resumesPuts && look === 1
  const body: ReopenableSource = {
    open: async (start, signal = options.signal) => {
      if (start > 0) return readPart(sourceReader, from, file, { start, end: size }, signal)
      // The put verifies a pack as a whole, which is not sufficient for the files in it.
      if (object.kind === 'pack') return verifiedPack(sourceReader, from, object.files, signal, look)
      return isVerifiedByPut && isWholeObject(file)
        ? unverifiedChunks(sourceReader, from, file, signal)
        : reader.open(file, signal, look)
    },
    object: look === 1 ? sourceObject(source, from, file) : undefined,
  }
  const key = objectKey(to, object.name)
  const put = await destination
    .put(key, body, { ...options, size, resume: resumesPuts ? { sha256 } : undefined })
    .catch((error: unknown) => {
      throw isVerifiedByPut && isHoldfastError(error, 'INVALID_ARGUMENT')
        ? otherBytes(source, objectKey(from, file.object), error)
        : error
    })
  if (put.sha256 !== sha256) throw storedOtherBytes(destination, key)
  return { files: filesOfCopy(object, put.storeDigest), bytesBefore: put.resumedBytes ?? 0 }
}

/** Returns the files of an object as the manifest of the copy lists them. */
export function filesOfCopy(
  object: StoredObject,
  storeDigest: ManifestFile['storeDigest'],
): readonly ManifestFile[] {
  const digest = storeDigest === undefined ? {} : { storeDigest }
  if (object.kind === 'file') {
    return [{ ...withoutPlace(object.file), object: object.name, ...digest }]
  }
  // What the store says of a pack is noted once, as in the source.
  return object.files.map((file) =>
    file.pack === undefined ? withoutStore(file) : { ...withoutStore(file), ...digest },
  )
}

/** Yields the bytes of a pack, of which each file is verified. */
async function* verifiedPack(
  source: PayloadReader,
  attempt: AttemptId,
  files: readonly ManifestFile[],
  signal: AbortSignal | undefined,
  look: Look,
): AsyncGenerator<Uint8Array, void, undefined> {
  await using reader = new AttemptReader(source, attempt, files)
  for (const file of files) yield* await reader.open(file, signal, look)
}

function otherBytes({ url }: CheckpointBackend, key: string, cause: HoldfastError): HoldfastError {
  return new HoldfastError('CORRUPT', `The put refuses the bytes of ${key}.`, { key, url, cause })
}

function storedOtherBytes({ url }: CheckpointBackend, key: string): HoldfastError {
  return new HoldfastError(
    'UNAVAILABLE',
    `The store reports other bytes for ${key} than were sent. Check what answers in its place.`,
    { key, url },
  )
}
