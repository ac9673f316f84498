import { type AttemptId, type CatalogEntry, partsOfAttempt, type Removed } from '../../documents/index.ts'
import { type LineList, wholeCatalog } from '../../pages/index.ts'
import { compareOrders } from '../../../order-key.ts'
import { fewOf, inOrderOfSaves, type KindOfChange, type Refusal, unchangedLists } from './change.ts'
import { withRecord } from './record.ts'
import { waitingAgain } from './waiting.ts'

/** Lists removed checkpoints again. A checkpoint that was abandoned before is abandoned again. */
export interface Undo {
  readonly kind: 'undo'
  readonly attempts: readonly AttemptId[]
}

export const undo: KindOfChange<Undo> = {
  needsWhole: () => true,
  apply: (newest, { attempts }) => {
    const catalog = wholeCatalog(newest)
    const lists = unchangedLists(catalog)
    const undone = removedIn(lists.removed, attempts)
    const missing = attempts.find((attempt) => undone.every(({ entry }) => entry.attempt !== attempt))
    if (missing !== undefined) return notRemoved(partsOfAttempt(missing).step)
    let checkpoints: LineList<CatalogEntry> = catalog.checkpoints
    for (const { entry } of undone.filter(isListedAgain)) {
      if (checkpoints.get(entry.step) !== undefined) return savedSince(entry.step)
      checkpoints = checkpoints.with(entry.step, entry)
    }
    const abandoned = undone.filter((each) => !isListedAgain(each)).map(({ entry }) => entry)
    return {
      ...lists,
      checkpoints,
      abandoned: inOrderOfSaves([...lists.abandoned, ...abandoned]),
      removed: lists.removed.filter((each) => !undone.includes(each)),
    }
  },
  describe: ({ attempts }) => `undo ${fewOf(attempts.map((attempt) => partsOfAttempt(attempt).step))}`,
  // If the step was saved again in the meantime, its line has the metrics of that save, or is gone.
  recordMetrics: ({ removed = [], metrics }, { attempts }) =>
    removedIn(removed, attempts)
      .filter(isListedAgain)
      .reduce((lines, { entry }) => {
        const line = lines.get(entry.step)
        const isOwn = line !== undefined && compareOrders(line.order, entry.order) === 0
        return isOwn ? lines : withRecord(lines, entry, entry.metrics)
      }, metrics),
  mirror: (catalog, { attempts }) => {
    const again = removedIn(catalog.removed ?? [], attempts).filter(isListedAgain)
    return waitingAgain(
      catalog,
      again.map(({ entry }) => entry),
    )
  },
}

/** Returns the removed checkpoints of some attempts, the earliest removed first. */
function removedIn(removed: readonly Removed[], attempts: readonly AttemptId[]): readonly Removed[] {
  const wanted = new Set(attempts)
  return removed.filter(({ entry }) => wanted.has(entry.attempt))
}

function isListedAgain({ abandoned = false }: Removed): boolean {
  return !abandoned
}

/** The error for a checkpoint that was never removed, or whose files were deleted since. */
export function notRemoved(step: number): Refusal {
  return {
    kind: 'refused',
    code: 'NOT_FOUND',
    why: `Step ${step} cannot be undone, because it was not removed, or its files were deleted since.`,
    hint: { kind: 'list-removed' },
  }
}

function savedSince(step: number): Refusal {
  return {
    kind: 'refused',
    code: 'ALREADY_EXISTS',
    why:
      `Step ${step} was saved again after it was removed, so the removed checkpoint cannot be listed. ` +
      'Nothing was changed. To undo other steps, name them.',
    hint: { kind: 'delete-for-good', step },
  }
}
