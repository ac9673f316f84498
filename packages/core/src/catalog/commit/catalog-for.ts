import type { CheckpointChoice } from '../judging/choose.ts'
import { lastPagedStep, type PagedCatalog } from '../pages/index.ts'
import type { CatalogLog } from './catalog-log.ts'

/** Returns the newest version of the catalog. Reads the lines of its pages if the choice may depend on them. */
export async function catalogFor(
  log: CatalogLog,
  choice: CheckpointChoice,
  signal: AbortSignal | undefined,
): Promise<PagedCatalog> {
  const newest = await log.newest(signal)
  const isRecent = choice === 'latest' || (typeof choice === 'number' && choice > lastPagedStep(newest))
  return isRecent ? newest : log.wholeOf(newest, signal)
}
