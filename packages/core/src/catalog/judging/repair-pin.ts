import type { CatalogEntry } from '../documents/index.ts'

const byRepair = 'by a repair, because '

/** Returns the reason of the pin that a repair gives a checkpoint. `lost` is the document that may have pinned it. */
export function reasonOfRepairPin(lost: string): string {
  return `${byRepair}${lost} may have pinned it; unpin it to release it`
}

/** Whether a repair pinned the checkpoint. A person may give the same reason, so only advice may depend on this. */
export function isPinnedByRepair({ pinned }: Pick<CatalogEntry, 'pinned'>): boolean {
  return pinned?.reason?.startsWith(byRepair) === true
}
