import { isHoldfastError } from '../../errors.ts'
import { mayCommit } from '../../catalog/commit/rules/index.ts'
import type { StoreContext } from '../context/context.ts'
import { hasFields } from '../../catalog/judging/judgement.ts'
import { keepingOf } from '../../catalog/judging/recorded-keeping.ts'
import type { PagedCatalog } from '../../catalog/pages/index.ts'
import { repairStore } from './repair/repair.ts'

/**
 * Returns the newest version for a writer. Rebuilds a damaged or lost catalog first, so that a run does not wait for a
 * person. Also rebuilds a catalog with lost versions if the run will take the store over, and one with a damaged page if the
 * run will need all lines for a sweep or for judging.
 */
export async function newestToWriteUpon(context: StoreContext): Promise<PagedCatalog> {
  const { log, keeping, writer, mayTakeOver } = context
  try {
    const newest = await log.newest()
    const takesOver = mayTakeOver || writer.job !== undefined
    if (!takesOver && !mayCommit(newest, writer)) return newest // rule 1 rejects the commit
    if (takesOver) await log.withoutGap(newest)
    const { objectives, retention } = keepingOf(keeping, newest)
    if (takesOver || hasFields(objectives) || hasFields(retention)) await log.wholeOf(newest)
    return newest
  } catch (error) {
    if (!isHoldfastError(error, 'CORRUPT')) throw error
  }
  await repairStore(context, {})
  return log.newest()
}
