import type { CatalogEntry } from '../../catalog/documents/index.ts'
import type { StoreContext } from '../context/context.ts'

/** Returns whether another process has dropped a checkpoint since this process read the list. */
export async function wasDroppedMeanwhile(
  { log }: StoreContext,
  entry: CatalogEntry,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const newest = await log.newest(signal)
  const { checkpoints, abandoned = [] } = await log.withStep(newest, entry.step, signal)
  return [checkpoints.get(entry.step), ...abandoned].every((each) => each?.attempt !== entry.attempt)
}
