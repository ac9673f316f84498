import type { CopyUpdate } from '../../catalog/commit/changes/index.ts'
import type { CatalogEntry } from '../../catalog/documents/index.ts'
import { compareOrders } from '../../order-key.ts'

/**
 * Returns what an existing copy lacks of its original, as `line` shows it; `undefined` if it lacks nothing.
 *
 * The values of metrics change only if the source is the store in which the checkpoint was saved. Otherwise the source may
 * be the one that is behind, and only metrics that are missing are added. Order keys only become later, and pins are only
 * added.
 */
export function updateOf(
  existing: CatalogEntry,
  line: CatalogEntry,
  isOriginal: boolean,
): CopyUpdate | undefined {
  const metrics = Object.fromEntries(
    Object.entries(line.metrics).filter(([name, value]) =>
      isOriginal ? existing.metrics[name] !== value : !Object.hasOwn(existing.metrics, name),
    ),
  )
  const order = compareOrders(line.order, existing.order) > 0 ? line.order : undefined
  const pinned = existing.pinned === undefined ? line.pinned : undefined
  if (Object.keys(metrics).length === 0 && order === undefined && pinned === undefined) return undefined
  const { step, attempt } = existing
  return { step, attempt, metrics, order, pinned }
}
