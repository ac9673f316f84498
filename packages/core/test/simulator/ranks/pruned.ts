import type { Catalog } from '../../../src/catalog/documents/index.ts'
import { latestOf } from '../../../src/order-key.ts'

/**
 * Throws if a version is a prune that dropped what the ranks keep. `keepLast` has a number for each rank of the term, or
 * `undefined` for a rank that keeps all. Any of them may have pruned.
 */
export function refuseWrongPrune(
  before: Catalog | undefined,
  after: Catalog,
  keepLast: readonly (number | undefined)[],
): void {
  if (before === undefined || after.history.at(-1)?.did !== 'prune') return
  const left = new Set(after.checkpoints.map(({ attempt }) => attempt))
  const dropped = before.checkpoints.filter(({ attempt }) => !left.has(attempt))
  if (dropped.length === 0) return
  const latest = latestOf(before.checkpoints)
  if (latest !== undefined && !left.has(latest.attempt))
    throw new Error(
      `P6: the prune in version ${after.version} dropped step ${latest.step}, which is the latest`,
    )
  const fewest = Math.min(...keepLast.map((count) => count ?? Infinity), before.checkpoints.length)
  if (left.size < fewest)
    throw new Error(`P6: the prune in version ${after.version} left ${left.size} checkpoints of ${fewest}`)
}
