import { filesAtOnce } from '../../async/files-at-once.ts'
import type { Slots } from '../../async/slots.ts'
import { withSecondLook } from '../../async/second-look.ts'
import { concurrently } from '../../async/concurrently.ts'
import type { CheckpointBackend } from '../../backend/index.ts'
import { compareKeys } from '../../backend/key.ts'
import { attemptPrefix, type AttemptId, type ManifestFile, objectKey } from '../../catalog/documents/index.ts'
import { isHoldfastError, throwIfAborted } from '../../errors.ts'
import { type PayloadReader, payloadReader } from '../attempts/payload-reader.ts'
import { AttemptReader } from '../attempts/packs/attempt-reader.ts'
import { verifiedChunks } from '../attempts/read-verified.ts'
import type { StoreContext } from '../context/context.ts'
import type { CopyAttempt } from './agree-on-attempt.ts'
import { findNewPack } from './copy-new-pack.ts'
import { newPacksAtOnce } from './new-packs.ts'
import type { ObjectToCopy } from './objects-to-copy.ts'
import { filesOfCopy, storeObject } from './store-object.ts'

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
  return new Set(objects.filter(({ name, size }) => sizes.get(objectKey(attempt, name)) === size))
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

/** How files are copied. */
export interface CopyFilesOptions {
  readonly signal: AbortSignal | undefined
  /** Limits the objects that all copies of the call transfer at once. */
  readonly slots: Slots
  readonly onBytes: (bytes: number) => void
}

/**
 * Stores the files of a checkpoint under another attempt. Each file is verified by the manifest of the source while it
 * passes, before the destination shows it. So another copier that continues the same attempt never finds wrong bytes. A put
 * that can continue another one requires the digest of the manifest, so it verifies a file, and nothing else hashes it. Each
 * file in a pack is verified by itself.
 * Skips stored objects whose bytes verify, and continues objects that an interrupted copy has stored in part.
 */
export async function copyFiles(
  from: StoreContext,
  to: StoreContext,
  { objects, stored, ...attempts }: FilesToCopy,
  { signal, slots, onBytes }: CopyFilesOptions,
): Promise<CopiedFiles> {
  const [source, destination] = [from.backend, to.backend]
  const [sourceReader, storedReader] = [payloadReader(from), payloadReader(to)]
  const sizes = objects.map(({ size }) => size)
  const mostAtOnce = Math.min(
    source.capabilities.smallObjectsAtOnce,
    destination.capabilities.smallObjectsAtOnce,
    objects.some(({ kind }) => kind === 'new pack') ? newPacksAtOnce : Infinity,
  )
  await using reader = new AttemptReader(sourceReader, attempts.from, readOneByOne(objects, stored))
  using sending = to.transfers.upload?.begin()
  const ends = { source, destination, sourceReader, reader, ...attempts }
  let passed = 0
  let bytesBefore = 0
  const transfer = async (
    object: ObjectToCopy,
    taskSignal: AbortSignal,
  ): Promise<readonly ManifestFile[]> => {
    throwIfAborted(taskSignal, 'The copy of a file')
    let reported = 0
    const report = (bytes: number): void => {
      passed += Math.max(0, bytes - reported)
      reported = Math.max(reported, bytes)
      onBytes(passed)
    }
    const before = stored.has(object)
      ? await findStored(storedReader, attempts.to, object, taskSignal)
      : undefined
    if (before !== undefined) {
      bytesBefore += object.size
      report(object.size)
      return before
    }
    const options = { signal: taskSignal, onProgress: report, pace: sending?.pace }
    const now = await withSecondLook((look) => storeObject(ends, object, look, options))
    bytesBefore += now.bytesBefore
    return now.files
  }
  const files = await concurrently(objects, filesAtOnce(sizes, mostAtOnce), signal, (object, taskSignal) =>
    slots.run(() => transfer(object, taskSignal)),
  )
  return { files: files.flat().sort((one, other) => compareKeys(one.name, other.name)), bytesBefore }
}

/** Returns the files that are read one by one, in the order in which they are. */
function readOneByOne(objects: readonly ObjectToCopy[], stored: StoredObjects): readonly ManifestFile[] {
  return objects.flatMap((object) => {
    if (stored.has(object) || object.kind === 'pack') return []
    return object.kind === 'new pack' ? object.files : [object.file]
  })
}

/** Returns the files of an object that an earlier copier stored; `undefined` if its bytes differ. */
async function findStored(
  reader: PayloadReader,
  attempt: AttemptId,
  object: ObjectToCopy,
  signal: AbortSignal,
): Promise<readonly ManifestFile[] | undefined> {
  if (object.kind === 'new pack') return findNewPack(reader, attempt, object, signal)
  const { name, size, sha256 } = object.file
  try {
    const stored = { name, object: name, size, sha256 }
    for await (const _ of await verifiedChunks(reader, attempt, stored, signal)) continue
    return filesOfCopy(object, undefined)
  } catch (error) {
    if (isHoldfastError(error, 'CORRUPT')) return undefined
    throw error
  }
}
