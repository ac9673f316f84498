import { filesAtOnce } from '../../async/files-at-once.ts'
import { withSecondLook } from '../../async/second-look.ts'
import { type CheckpointBackend, concurrently, type ReopenableSource } from '../../backend/index.ts'
import {
  attemptPrefix,
  type AttemptId,
  type Manifest,
  type ManifestFile,
  objectKey,
} from '../../catalog/documents/index.ts'
import { HoldfastError, isHoldfastError } from '../../errors.ts'
import { type PayloadReader, payloadReader } from '../attempts/payload-reader.ts'
import { AttemptReader } from '../attempts/packs/attempt-reader.ts'
import { provedChunks, readPart } from '../attempts/read-verified.ts'
import { sourceObject } from '../attempts/source-object.ts'
import type { StoreContext } from '../context.ts'
import type { CopyAttempt } from './attempt.ts'

/** Files of an attempt that an earlier copier stored completely, by name. Their bytes are verified when they are used. */
export type StoredFiles = ReadonlyMap<string, ManifestFile>

/** Returns the files of a manifest that an attempt has with the right size. */
export async function filesStoredBefore(
  backend: CheckpointBackend,
  { attempt, isNew }: CopyAttempt,
  { files }: Manifest,
  signal: AbortSignal | undefined,
): Promise<StoredFiles> {
  if (isNew) return new Map()
  const sizes = new Map<string, number>()
  for await (const { key, size } of backend.list(attemptPrefix(attempt), { signal })) sizes.set(key, size)
  const stored = files.filter(({ name, size }) => sizes.get(objectKey(attempt, name)) === size)
  return new Map(stored.map((file) => [file.name, file]))
}

/** What a copy of files stored. */
export interface CopiedFiles {
  /** As the manifest of the copy lists them. */
  readonly files: readonly ManifestFile[]
  /** Bytes that were stored before, and that were not sent again. */
  readonly bytesBefore: number
}

/**
 * Stores the files of a checkpoint under another attempt. Each file is verified by the manifest of the source while it
 * passes, before the destination shows it. So another copier that continues the same attempt never finds wrong bytes. Skips
 * stored files whose bytes verify, and continues files that an interrupted copy has stored in part.
 */
export async function copyFiles(
  from: StoreContext,
  to: StoreContext,
  manifest: Manifest,
  attempt: AttemptId,
  stored: StoredFiles,
  {
    signal,
    onBytes,
  }: { readonly signal: AbortSignal | undefined; readonly onBytes: (bytes: number) => void },
): Promise<CopiedFiles> {
  const [source, destination] = [from.backend, to.backend]
  const [sourceReader, storedReader] = [payloadReader(from), payloadReader(to)]
  const sizes = manifest.files.map(({ size }) => size)
  const mostAtOnce = Math.min(
    source.capabilities.smallObjectsAtOnce,
    destination.capabilities.smallObjectsAtOnce,
  )
  const unstored = manifest.files.filter(({ name }) => !stored.has(name))
  await using reader = new AttemptReader(sourceReader, manifest.attempt, unstored)
  let passed = 0
  let bytesBefore = 0
  const files = await concurrently(
    manifest.files,
    filesAtOnce(sizes, mostAtOnce),
    signal,
    async (file, taskSignal) => {
      let reported = 0
      const report = (bytes: number): void => {
        passed += Math.max(0, bytes - reported)
        reported = Math.max(reported, bytes)
        onBytes(passed)
      }
      if (stored.has(file.name) && (await isIntact(storedReader, attempt, file, taskSignal))) {
        bytesBefore += file.size
        report(file.size)
        return fileOfCopy(file, undefined)
      }
      return withSecondLook(async (look) => {
        const key = objectKey(attempt, file.name)
        // A file that is read from its start verifies itself. Its end alone is verified by the digest that the put expects.
        const body: ReopenableSource = {
          open: (start, readSignal = taskSignal) =>
            start === 0
              ? reader.open(file, readSignal, look)
              : readPart(sourceReader, manifest.attempt, file, { start, end: file.size }, readSignal),
          // The second look reads the bytes.
          object: look === 1 ? sourceObject(source, manifest.attempt, file) : undefined,
        }
        const put = await destination.put(key, body, {
          size: file.size,
          signal: taskSignal,
          onProgress: report,
          pace: to.transfers.upload,
          resume: destination.capabilities.resumesPuts ? { sha256: file.sha256 } : undefined,
        })
        if (put.sha256 !== file.sha256) throw storedOtherBytes(destination, key)
        bytesBefore += put.resumedBytes ?? 0
        return fileOfCopy(file, put.storeDigest)
      })
    },
  )
  return { files, bytesBefore }
}

/** Unknown members stay. The name of the object and what the store says of it are those of the copy. */
function fileOfCopy(file: ManifestFile, storeDigest: ManifestFile['storeDigest']): ManifestFile {
  const { offset: _, content: __, revision: ___, storeDigest: ____, sharedWith: _____, ...others } = file
  // Without a revision: a second copier may store the same bytes again.
  return { ...others, object: file.name, ...(storeDigest === undefined ? {} : { storeDigest }) }
}

/** Whether the bytes of an object of the destination are those of a file. */
async function isIntact(
  reader: PayloadReader,
  attempt: AttemptId,
  file: ManifestFile,
  signal: AbortSignal,
): Promise<boolean> {
  try {
    const stored = fileOfCopy(file, undefined)
    for await (const _ of await provedChunks(reader, attempt, stored, signal)) continue
    return true
  } catch (error) {
    if (isHoldfastError(error, 'CORRUPT')) return false
    throw error
  }
}

function storedOtherBytes({ url }: CheckpointBackend, key: string): HoldfastError {
  return new HoldfastError(
    'UNAVAILABLE',
    `The store reports other bytes for ${key} than those that were sent. Check what answers in its place.`,
    { key, url },
  )
}
