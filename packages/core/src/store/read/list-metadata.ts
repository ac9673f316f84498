import { concurrently } from '../../async/concurrently.ts'
import type { CatalogEntry } from '../../catalog/documents/index.ts'
import type { JudgedCheckpoint } from '../../catalog/judging/checkpoint.ts'
import type { JudgedCatalog } from '../../catalog/judging/judged-catalog.ts'
import { verifiedManifest } from '../attempts/read-verified.ts'
import type { StoreContext } from '../context/context.ts'

/** A listed checkpoint with its metadata. */
export interface ListedCheckpoint extends JudgedCheckpoint {
  /** The metadata of the save; `undefined` if it had none. */
  readonly metadata: unknown
}

const manifestsAtOnce = 16

/** Adds metadata to listed checkpoints. Reads a manifest only for large metadata and for checkpoints of older versions. */
export async function withMetadata(
  { backend }: StoreContext,
  { whole }: JudgedCatalog,
  checkpoints: readonly JudgedCheckpoint[],
  signal: AbortSignal | undefined,
): Promise<readonly ListedCheckpoint[]> {
  const metadataOf = async (entry: CatalogEntry | undefined, stop: AbortSignal): Promise<unknown> => {
    if (entry === undefined || entry.metadata !== undefined) return entry?.metadata?.value
    return (await verifiedManifest(backend, entry, stop)).metadata
  }
  return concurrently(checkpoints, manifestsAtOnce, signal, async (checkpoint, stop) => ({
    ...checkpoint,
    metadata: await metadataOf(whole.checkpoints.get(checkpoint.step), stop),
  }))
}
