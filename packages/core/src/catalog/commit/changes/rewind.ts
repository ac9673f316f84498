import { compareSaves } from '../../../order-key.ts'
import type { CatalogEntry } from '../../documents/index.ts'
import { abandonedAt, wholeCatalog } from '../../pages/index.ts'
import { ownSegment } from '../segments.ts'
import { inOrderOfSaves, type KindOfChange, unchangedLists } from './change.ts'
import { invalid, noSuchStep } from './refusals.ts'

/**
 * Returns to an older checkpoint, which becomes the latest. Checkpoints that were saved after it are abandoned. Removed ones
 * will be if an undo follows.
 */
export interface Rewind {
  readonly kind: 'rewind'
  readonly step: number
}

export const rewind: KindOfChange<Rewind> = {
  needsWhole: () => true,
  apply: (newest, { step }) => {
    const catalog = wholeCatalog(newest)
    const target = catalog.checkpoints.get(step)
    if (target === undefined)
      return abandonedAt(catalog, step) === undefined ? noSuchStep(step) : isAbandoned(step)
    const to = { segment: ownSegment(catalog) + 1, base: catalog.version }
    const isLater = (entry: CatalogEntry): boolean => compareSaves(entry, target) > 0
    const lists = unchangedLists(catalog)
    return {
      ...lists,
      checkpoints: catalog.checkpoints
        .filter((entry) => !isLater(entry))
        .with(step, { ...target, order: { ...target.order, ...to } }),
      abandoned: inOrderOfSaves([
        ...(catalog.abandoned ?? []),
        ...catalog.checkpoints.all.filter((entry) => isLater(entry)),
      ]),
      quarantined: catalog.quarantined.map((aside) =>
        isLater(aside.entry) ? { ...aside, abandoned: true } : aside,
      ),
      removed: lists.removed.map((each) => (isLater(each.entry) ? { ...each, abandoned: true } : each)),
      rewound: to,
    }
  },
  describe: ({ step }) => `rewind to ${step}`,
  recordMetrics: (newest, { step }) => {
    const catalog = wholeCatalog(newest)
    const target = catalog.checkpoints.get(step)
    if (target === undefined) return catalog.metrics
    const to = { segment: ownSegment(catalog) + 1, base: catalog.version }
    return catalog.metrics.replacedBy(
      catalog.metrics.all.map((line) => {
        if (line.step === step) return { ...line, order: { ...line.order, ...to } }
        return compareSaves(line, target) > 0 ? { ...line, abandoned: true } : line
      }),
    )
  },
}

function isAbandoned(step: number): ReturnType<typeof invalid> {
  return invalid(
    `Step ${step} is abandoned, so a rewind cannot return to it. Restore it by its number, and save it again.`,
  )
}
