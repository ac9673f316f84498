import { filesAtOnce } from '../../async/files-at-once.ts'
import { type Look, withSecondLook } from '../../async/second-look.ts'
import { type CheckpointBackend, concurrently, type ReopenableSource } from '../../backend/index.ts'
import { compareKeys } from '../../backend/key.ts'
import { attemptPrefix, type AttemptId, type ManifestFile, objectKey } from '../../catalog/documents/index.ts'
import { HoldfastError, isHoldfastError } from '../../errors.ts'
import { type PayloadReader, payloadReader } from '../attempts/payload-reader.ts'
import { AttemptReader } from '../attempts/packs/attempt-reader.ts'
import { provedChunks, readPart, unverifiedChunks } from '../attempts/read-verified.ts'
import { sourceObject } from '../attempts/source-object.ts'
import type { StoreContext } from '../context.ts'
import type { CopyAttempt } from './attempt.ts'
import type { ObjectToCopy } from './objects-to-copy.ts'

/** The objects of an attempt that an earlier copier stored completely. Their bytes are verified when they are used. */
export type StoredObjects = ReadonlySet<ObjectToCopy>

/** Returns the objects that an attempt has with the right size. */
export async function objectsStoredBefore(
  backend: CheckpointBackend,
  { attempt, isNew }: CopyAttempt,
  objects: readonly ObjectToCopy[],
  signal: AbortSignal | undefined,
): Promise<StoredObjects> {
  if (isNew) return new Set()
  const sizes = new Map<string, number>()
  for await (const { key, size } of backend.list(attemptPrefix(attempt), { signal })) sizes.set(key, size)
  return new Set(objects.filter(({ file }) => sizes.get(objectKey(attempt, file.name)) === file.size))
}

/** What a copy of files stored. */
export interface CopiedFiles {
  /** As the manifest of the copy lists them. */
  readonly files: readonly ManifestFile[]
  /** Bytes that were stored before, and that were not sent again. */
  readonly bytesBefore: number
}

/** What a copy stores, and under which attempts. */
export interface FilesToCopy {
  readonly objects: readonly ObjectToCopy[]
  readonly stored: StoredObjects
  /** The attempt at the source. */
  readonly from: AttemptId
  readonly to: AttemptId
}

/**
 * Stores the files of a checkpoint under another attempt. Each file is verified by the manifest of the source while it
 * passes, before the destination shows it. So another copier that continues the same attempt never finds wrong bytes. A put
 * that can continue another one requires the digest of the manifest, so it verifies the bytes, and nothing else hashes them.
 * Skips stored objects whose bytes verify, and continues objects that an interrupted copy has stored in part.
 */
export async function copyFiles(
  from: StoreContext,
  to: StoreContext,
  { objects, stored, ...attempts }: FilesToCopy,
  {
    signal,
    onBytes,
  }: { readonly signal: AbortSignal | undefined; readonly onBytes: (bytes: number) => void },
): Promise<CopiedFiles> {
  const [source, destination] = [from.backend, to.backend]
  const [sourceReader, storedReader] = [payloadReader(from), payloadReader(to)]
  const sizes = objects.map(({ file }) => file.size)
  const mostAtOnce = Math.min(
    source.capabilities.smallObjectsAtOnce,
    destination.capabilities.smallObjectsAtOnce,
  )
  const singles = objects.flatMap((object) =>
    object.kind === 'file' && !stored.has(object) ? object.file : [],
  )
  await using reader = new AttemptReader(sourceReader, attempts.from, singles)
  let passed = 0
  let bytesBefore = 0
  const files = await concurrently(
    objects,
    filesAtOnce(sizes, mostAtOnce),
    signal,
    async (object, taskSignal) => {
      const { file } = object
      let reported = 0
      const report = (bytes: number): void => {
        passed += Math.max(0, bytes - reported)
        reported = Math.max(reported, bytes)
        onBytes(passed)
      }
      if (stored.has(object) && (await isIntact(storedReader, attempts.to, file, taskSignal))) {
        bytesBefore += file.size
        report(file.size)
        return filesOfCopy(object, undefined)
      }
      return withSecondLook(async (look) => {
        const key = objectKey(attempts.to, file.name)
        const isVerifiedByPut = destination.capabilities.resumesPuts && look === 1
        const body: ReopenableSource = {
          open: async (start, readSignal = taskSignal) => {
            if (start > 0)
              return readPart(sourceReader, attempts.from, file, { start, end: file.size }, readSignal)
            if (isVerifiedByPut && isWholeObject(file))
              return unverifiedChunks(sourceReader, attempts.from, file, readSignal)
            return object.kind === 'file'
              ? reader.open(file, readSignal, look)
              : verifiedPack(sourceReader, attempts.from, object.files, readSignal, look)
          },
          // The second look reads the bytes.
          object: look === 1 ? sourceObject(source, attempts.from, file) : undefined,
        }
        const put = await destination
          .put(key, body, {
            size: file.size,
            signal: taskSignal,
            onProgress: report,
            pace: to.transfers.upload,
            resume: destination.capabilities.resumesPuts ? { sha256: file.sha256 } : undefined,
          })
          .catch((error: unknown) => {
            throw isVerifiedByPut && isHoldfastError(error, 'INVALID_ARGUMENT')
              ? otherBytes(source, objectKey(attempts.from, file.object), error)
              : error
          })
        if (put.sha256 !== file.sha256) throw storedOtherBytes(destination, key)
        bytesBefore += put.resumedBytes ?? 0
        return filesOfCopy(object, put.storeDigest)
      })
    },
  )
  return { files: files.flat().sort((one, other) => compareKeys(one.name, other.name)), bytesBefore }
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

/** Returns the files of an object as the manifest of the copy lists them. */
function filesOfCopy(
  object: ObjectToCopy,
  storeDigest: ManifestFile['storeDigest'],
): readonly ManifestFile[] {
  const digest = storeDigest === undefined ? {} : { storeDigest }
  if (object.kind === 'file') {
    const { offset: _, content: __, pack: ___, ...file } = withoutStore(object.file)
    return [{ ...file, object: file.name, ...digest }]
  }
  // What the store says of a pack is noted once, as in the source.
  return object.files.map((file) =>
    file.pack === undefined ? withoutStore(file) : { ...withoutStore(file), ...digest },
  )
}

/** Unknown members stay. Without a revision: a second copier may store the same bytes again. */
function withoutStore({
  revision: _,
  storeDigest: __,
  sharedWith: ___,
  ...file
}: ManifestFile): ManifestFile {
  return file
}

/** Whether the bytes of an object of the destination are those of a file or a pack. */
async function isIntact(
  reader: PayloadReader,
  attempt: AttemptId,
  { name, size, sha256 }: ManifestFile,
  signal: AbortSignal,
): Promise<boolean> {
  try {
    const stored = { name, object: name, size, sha256 }
    for await (const _ of await provedChunks(reader, attempt, stored, signal)) continue
    return true
  } catch (error) {
    if (isHoldfastError(error, 'CORRUPT')) return false
    throw error
  }
}

/** Whether a file, or a pack as a whole, is an object of its own at the source. */
function isWholeObject({ offset, content }: ManifestFile): boolean {
  return offset === undefined && content === undefined
}

/** The second look reads the file again, and decides whether it is damaged. */
function otherBytes({ url }: CheckpointBackend, key: string, cause: HoldfastError): HoldfastError {
  return new HoldfastError('CORRUPT', `The put refuses the bytes of ${key}.`, { key, url, cause })
}

function storedOtherBytes({ url }: CheckpointBackend, key: string): HoldfastError {
  return new HoldfastError(
    'UNAVAILABLE',
    `The store reports other bytes for ${key} than those that were sent. Check what answers in its place.`,
    { key, url },
  )
}
