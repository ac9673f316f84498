import type { Drop } from '../../../catalog/documents/index.ts'
import type { PagedCatalog } from '../../../catalog/pages/index.ts'
import { notEnough } from './not-enough.ts'
import { type ComingSave, findShortage } from './shortage.ts'
import { waysToMakeRoom } from './ways.ts'

/**
 * Ensures that there is space for a save before its first byte is written. Deletes leftovers if there is too little, and with
 * `makeRoom` drops checkpoints, which it returns. If that is not allowed or not enough, drops nothing and throws
 * `INSUFFICIENT_SPACE`. `newest` is the newest known version of the catalog.
 */
export async function guardSpace(save: ComingSave, newest: PagedCatalog): Promise<readonly Drop[]> {
  const { backend, log } = save.context
  if (backend.capabilities.freeSpace === 'unbounded') return []
  const dropped: Drop[] = []
  let shortage = await findShortage(save, newest)
  for (const makeRoom of waysToMakeRoom) {
    if (shortage === undefined) return dropped
    const freed = await makeRoom(save, shortage)
    if (freed === undefined) continue
    dropped.push(...freed)
    shortage = await findShortage(save, await log.newest(save.signal))
  }
  if (shortage === undefined) return dropped
  throw await notEnough(save, shortage)
}
