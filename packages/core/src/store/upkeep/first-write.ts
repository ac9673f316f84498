import { isHoldfastError } from '../../errors.ts'
import { mayCommit } from '../../catalog/commit/rules.ts'
import type { StoreContext } from '../context.ts'
import { hasFields } from '../../catalog/judging/judgement.ts'
import { keepingOf } from '../../catalog/judging/recorded-keeping.ts'
import type { PagedCatalog } from '../../catalog/pages/index.ts'
import { repairStore } from './repair.ts'

/**
 * The newest version to write upon. A damaged or lost one is rebuilt first, so that no run waits for a person; and so
 * is one that lacks a page, if the run will need every line: to sweep, or to judge what it saves.
 */
export async function newestToWriteUpon(context: StoreContext): Promise<PagedCatalog> {
  const { log, keeping, writer, mayTakeOver } = context
  try {
    const newest = await log.newest()
    if (!mayTakeOver && !mayCommit(newest, writer)) return newest // rule 1 has the answer
    const { objectives, retention } = keepingOf(keeping, newest)
    if (mayTakeOver || hasFields(objectives) || hasFields(retention)) await log.wholeOf(newest)
    return newest
  } catch (error) {
    if (!isHoldfastError(error, 'CORRUPT')) throw error
  }
  await repairStore(context, {})
  return log.newest()
}
