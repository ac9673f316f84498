import type { CheckpointChoice } from '../judging/choose.ts'
import type { PagedCatalog } from '../pages/index.ts'
import type { CatalogLog } from './catalog-log.ts'

/** Returns the newest version of the catalog. Reads the lines of its pages if the choice may depend on them. */
export async function catalogFor(
  log: CatalogLog,
  choice: CheckpointChoice,
  signal: AbortSignal | undefined,
): Promise<PagedCatalog> {
  const newest = await log.newest(signal)
  if (choice === 'latest') return newest
  return typeof choice === 'number' ? log.withStep(newest, choice, signal) : log.wholeOf(newest, signal)
}
