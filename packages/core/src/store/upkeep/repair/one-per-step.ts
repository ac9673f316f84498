import { type CatalogEntry, partsOfAttempt } from '../../../catalog/documents/index.ts'
import { compareOrders } from '../../../order-key.ts'
import type { SetAside } from './verified-entries.ts'

/**
 * Chooses one of several complete attempts at a step. If versions of the catalog are damaged, a later commit may have
 * replaced the listed attempt, so the latest attempt by order key is chosen. Otherwise the listed one stays.
 */
export function onePerStep(
  listed: readonly CatalogEntry[],
  entries: readonly CatalogEntry[],
  truthMovedOn: boolean,
): { readonly chosen: readonly CatalogEntry[]; readonly rivals: readonly CatalogEntry[] } {
  const wereListed = new Set(listed)
  const bySteps = new Map<number, CatalogEntry>()
  for (const entry of entries) {
    const rival = bySteps.get(entry.step)
    const keepsRival = rival !== undefined && !truthMovedOn && wereListed.has(rival)
    if (rival === undefined || (!keepsRival && isLater(entry, rival))) bySteps.set(entry.step, entry)
  }
  const chosen = new Set(bySteps.values())
  return {
    chosen: [...chosen].sort((one, other) => one.step - other.step),
    rivals: entries.filter((entry) => !chosen.has(entry)),
  }
}

/** Why a repair quarantines an attempt that it did not choose. */
export function asRival(entry: CatalogEntry): SetAside {
  return { entry, reason: 'repair found and listed another complete attempt at the same step' }
}

/** Compares order keys, which name the catalog that each save knew. Equal keys are compared by the writers' clocks. */
function isLater(entry: CatalogEntry, rival: CatalogEntry): boolean {
  const order =
    compareOrders(entry.order, rival.order) ||
    partsOfAttempt(entry.attempt).base - partsOfAttempt(rival.attempt).base ||
    Date.parse(entry.savedAt) - Date.parse(rival.savedAt)
  return order > 0
}
