import { contentsOf, factsOf } from '../../catalog/judging/checkpoint.ts'
import type { CatalogEntry } from '../../catalog/documents/index.ts'
import { AttemptReader } from '../attempts/packs/attempt-reader.ts'
import { payloadReader } from '../attempts/payload-reader.ts'
import { verifiedManifest } from '../attempts/read-verified.ts'
import type { StoreContext } from '../context/context.ts'
import type { Restored, RestoreOptions } from './result.ts'
import { wantedFiles } from './wanted-files.ts'

export type DeliveredCheckpoint = Omit<Restored, 'passedOver' | 'damagedCatalogs'>

/** Delivers one checkpoint. `beforeExchange` is called once every file is verified. If it rejects, nothing is delivered. */
export async function deliver(
  context: StoreContext,
  entry: CatalogEntry,
  options: RestoreOptions,
  beforeExchange?: () => Promise<void>,
): Promise<DeliveredCheckpoint> {
  const manifest = await verifiedManifest(context.backend, entry, options.signal)
  const files = await wantedFiles(manifest, options.files)
  const total = files.reduce((sum, { size }) => sum + size, 0)
  await using reader = new AttemptReader(payloadReader(context), entry.attempt)
  const { paths, others } = await context.environment.deliver(
    options.to,
    files.map((file) => ({
      name: file.name,
      size: file.size,
      sha256: file.sha256,
      mode: file.mode,
      open: (signal, look) => reader.open(file, signal, look),
    })),
    {
      signal: options.signal,
      storeFolders: context.storeFolders,
      beforeExchange,
      others: options.files !== undefined ? 'ignore' : options.exact === true ? 'remove' : 'report',
      onMissing: (missing) => {
        reader.plan(files.filter((_, index) => missing.has(index)))
      },
      onProgress: (bytes) => {
        options.onProgress?.({ bytes, total })
      },
    },
  )
  return {
    ...factsOf(entry),
    ...contentsOf(manifest),
    otherFiles: others,
    restored: files.map(({ name, size, sha256 }, index) => ({
      name,
      path: paths[index] ?? '',
      size,
      sha256,
    })),
  }
}
