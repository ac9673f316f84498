import { compareKeys } from '../../backend/index.ts'
import {
  type CatalogEntry,
  type Manifest,
  type ManifestFile,
  objectKey,
} from '../../catalog/documents/index.ts'
import { HoldfastError, isHoldfastError } from '../../errors.ts'
import type { StoreContext } from '../context.ts'
import { withSecondLook } from '../../async/second-look.ts'
import { provedChunks, readManifest } from './read-verified.ts'

/** How thoroughly a checkpoint is verified. */
interface Examination {
  /** Compares sizes and the digests that the store keeps, and reads no bytes. */
  readonly quick?: boolean | undefined
  /** Also compares the members of the catalog and the manifest. A difference does not mean that bytes are damaged. */
  readonly comparesDocuments?: boolean | undefined
  readonly signal?: AbortSignal | undefined
}

/** Returns the faults of one checkpoint's bytes. Rejects if the store cannot be read. */
export async function problemsOf(
  context: StoreContext,
  entry: CatalogEntry,
  { quick = false, comparesDocuments = false, signal }: Examination,
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
  for (const file of manifest.files) {
    await problem(problems, () =>
      withSecondLook(async (look) => {
        if (quick) {
          await proveByStore(context, entry, file, signal)
          return
        }
        let readBytes = before
        for await (const chunk of await provedChunks(backend, entry.attempt, file, signal, look)) {
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

/** Compares the size, and the digest of the store if one was recorded. */
async function proveByStore(
  { backend }: StoreContext,
  entry: CatalogEntry,
  file: ManifestFile,
  signal: AbortSignal | undefined,
): Promise<void> {
  const key = objectKey(entry.attempt, file.object)
  const stat = await backend.stat(key, { signal })
  const fault = (what: string): HoldfastError =>
    new HoldfastError('CORRUPT', `${file.name} ${what}`, { key, url: backend.url })
  if (stat === undefined) throw fault('is missing')
  if (stat.size !== file.size) throw fault(`has ${stat.size} bytes, not the ${file.size} that were saved`)
  if (file.storeDigest?.origin !== 'store') return
  const now = await backend.hash(key, { signal })
  if (now.algorithm === file.storeDigest.algorithm && now.value !== file.storeDigest.value) {
    throw fault('differs from the saved file: the digest of the store does not match')
  }
}
