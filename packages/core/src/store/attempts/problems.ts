import { compareKeys } from '../../backend/index.ts'
import {
  type CatalogEntry,
  type Manifest,
  type ManifestFile,
  objectKey,
} from '../../catalog/documents/index.ts'
import { HoldfastError, isHoldfastError } from '../../errors.ts'
import type { StoreContext } from '../context/context.ts'
import { withSecondLook } from '../../async/second-look.ts'
import { AttemptReader } from './packs/attempt-reader.ts'
import { payloadReader } from './payload-reader.ts'
import { readManifest } from './read-verified.ts'
import { sharedText, SharingSteps } from './sharing-steps.ts'
import { isWholeObject } from './whole-object.ts'

/** How thoroughly a checkpoint is verified. */
interface Examination {
  /** Compares sizes and the digests that the store keeps, and reads no bytes. */
  readonly quick?: boolean | undefined
  /** Also compares the members of the catalog and the manifest. A difference does not mean that bytes are damaged. */
  readonly comparesDocuments?: boolean | undefined
  /** The checkpoints that may share bytes with this one. Faults of shared files name them. Default: none. */
  readonly others?: readonly CatalogEntry[] | undefined
  readonly signal?: AbortSignal | undefined
}

/** Returns the faults of one checkpoint's bytes. Rejects if the store cannot be read. */
export async function problemsOf(
  context: StoreContext,
  entry: CatalogEntry,
  { quick = false, comparesDocuments = false, others = [], signal }: Examination,
  onBytes: (bytes: number) => void = () => undefined,
): Promise<readonly string[]> {
  const { backend } = context
  const problems: string[] = []
  let before = 0
  let reported = 0
  const read = await problem(problems, () => readManifest(backend, entry, signal))
  if (read === undefined) return problems
  const { manifest, size } = read
  if (comparesDocuments) problems.push(...disagreements(entry, manifest, size))
  const sharing = new SharingSteps(context, manifest, others, signal)
  const examine = async (file: ManifestFile | undefined, prove: () => Promise<void>): Promise<void> => {
    const faults: string[] = []
    await problem(faults, prove)
    if (faults.length === 0) return
    const shared = file === undefined ? [] : await sharing.of(file)
    problems.push(...faults.map((fault) => `${fault}${sharedText(shared)}`))
  }
  if (quick) {
    for (const object of objectsOf(manifest))
      await examine(object.file, () => withSecondLook(() => proveByStore(context, entry, object, signal)))
    return problems
  }
  await using reader = new AttemptReader(payloadReader(context), entry.attempt, manifest.files)
  for (const file of manifest.files) {
    await examine(file, () =>
      withSecondLook(async (look) => {
        let readBytes = before
        for await (const chunk of await reader.open(file, signal, look)) {
          readBytes += chunk.byteLength
          reported = Math.max(reported, readBytes)
          onBytes(reported)
        }
      }),
    )
    before += file.size
  }
  return problems
}

/** Returns differences between the catalog and the manifest, and files that the manifest lists out of order. */
function disagreements(entry: CatalogEntry, manifest: Manifest, manifestSize: number): readonly string[] {
  const { files } = manifest
  const counts = [
    ['epoch', entry.epoch, manifest.epoch],
    ['manifest.size', entry.manifest.size, manifestSize],
    ['fileCount', entry.fileCount, files.length],
    ['bytes', entry.bytes, files.reduce((sum, { size }) => sum + size, 0)],
  ] as const
  const differing = counts.flatMap(([name, listed, found]) =>
    listed === found
      ? []
      : [`the catalog lists ${name} ${listed ?? 'none'}, and the manifest has ${found ?? 'none'}`],
  )
  const names = files.map(({ name }) => name)
  const isSorted = names.every((name, index) => index === 0 || compareKeys(names[index - 1] ?? '', name) < 0)
  return isSorted ? differing : [...differing, 'the manifest lists its files out of order']
}

export async function problem<T>(problems: string[], prove: () => Promise<T>): Promise<T | undefined> {
  try {
    return await prove()
  } catch (error) {
    if (!isHoldfastError(error, 'CORRUPT')) throw error
    problems.push(error.message)
    return undefined
  }
}

/** An object of a checkpoint: a file, or a pack of files. */
interface StoredObject {
  /** Names the object in a message. */
  readonly what: string
  readonly object: string
  /** The size in bytes. */
  readonly size: number
  /** Whether the object may be larger: a pack whose size was not recorded. */
  readonly mayBeLarger: boolean
  readonly storeDigest: ManifestFile['storeDigest']
  /** The file that the object is. `undefined` for a pack. */
  readonly file: ManifestFile | undefined
}

function objectsOf({ files }: Manifest): readonly StoredObject[] {
  const objects: StoredObject[] = files.filter(isWholeObject).map((file) => {
    const { name, object, size, storeDigest } = file
    return { what: name, object, size, mayBeLarger: false, storeDigest, file }
  })
  const packed = files.filter(({ offset }) => offset !== undefined)
  for (const [object, together] of Map.groupBy(packed, (file) => file.object)) {
    const end = together.reduce((most, each) => Math.max(most, (each.offset ?? 0) + each.size), 0)
    const recorded = together.find(({ pack }) => pack !== undefined)?.pack
    objects.push({
      what: `the pack ${object} with ${together.length} ${together.length === 1 ? 'file' : 'files'}`,
      object,
      size: Math.max(end, recorded?.size ?? 0),
      mayBeLarger: recorded === undefined,
      storeDigest: together.find(({ storeDigest }) => storeDigest !== undefined)?.storeDigest,
      file: undefined,
    })
  }
  return objects
}

/** Compares the size, and the digest of the store if one was recorded. */
async function proveByStore(
  { backend }: StoreContext,
  { attempt }: CatalogEntry,
  { what, object, size, mayBeLarger, storeDigest }: StoredObject,
  signal: AbortSignal | undefined,
): Promise<void> {
  const key = objectKey(attempt, object)
  const stat = await backend.stat(key, { signal })
  const fault = (how: string): HoldfastError =>
    new HoldfastError('CORRUPT', `${what} ${how}`, { key, url: backend.url })
  if (stat === undefined) throw fault('is missing')
  if (mayBeLarger ? stat.size < size : stat.size !== size)
    throw fault(`has ${stat.size} bytes, not the ${size} that were saved`)
  if (storeDigest?.origin !== 'store') return
  const now = await backend.hash(key, { signal })
  if (now.algorithm === storeDigest.algorithm && now.value !== storeDigest.value)
    throw fault('differs from the saved file: the digest of the store does not match')
}
