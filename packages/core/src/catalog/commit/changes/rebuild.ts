import type { OrderKey } from '../../../order-key.ts'
import type { CatalogEntry, Drop, Quarantined, Removed } from '../../documents/index.ts'
import { hasFields } from '../../judging/judgement.ts'
import { withTimeAgain } from '../../judging/undo-until.ts'
import { wholeCatalog } from '../../pages/index.ts'
import { recoveredSegments } from '../segments.ts'
import { type KindOfChange, unchangedLists } from './change.ts'
import { recordOf } from './record.ts'

/** Replaces the lists of a damaged catalog by what a repair found. */
export interface Rebuild {
  readonly kind: 'rebuild'
  readonly checkpoints: readonly CatalogEntry[]
  readonly quarantined: readonly Quarantined[]
  readonly dropped: readonly Drop[]
  /** Checkpoints that rewinds abandoned, in the order of their saves. Default: those of the catalog. */
  readonly abandoned?: readonly CatalogEntry[] | undefined
  /** Checkpoints that an undo can list again, the earliest removed first. Default: those of the catalog. */
  readonly removed?: readonly Removed[] | undefined
  /** The order key that the newest rewind gave, if the catalog does not know it. */
  readonly rewound?: OrderKey | undefined
  /** The highest term of a job of many ranks that the store shows, if any. */
  readonly term?: number | undefined
}

export const rebuild: KindOfChange<Rebuild> = {
  needsWhole: () => true,
  apply: (catalog, change, { at }) => {
    const { checkpoints, quarantined, dropped, abandoned, rewound } = change
    const { removed = catalog.removed ?? [] } = change
    return {
      ...unchangedLists(catalog),
      ...(abandoned === undefined ? {} : { abandoned }),
      removed: removed.map((each) => withTimeAgain(each, at)),
      rewound,
      checkpoints: wholeCatalog(catalog).checkpoints.replacedBy(checkpoints),
      quarantined,
      dropped,
    }
  },
  openSegments: (catalog, { checkpoints }) => recoveredSegments(catalog, checkpoints),
  describe: () => 'rebuild',
  recordMetrics: (catalog, { checkpoints }) => {
    const { metrics: history, checkpoints: listed } = wholeCatalog(catalog)
    const known = new Set(listed.all.map(({ attempt }) => attempt))
    const recovered = checkpoints.filter(
      ({ attempt, step }) => !known.has(attempt) || history.get(step) === undefined,
    )
    const steps = new Set(recovered.map(({ step }) => step))
    const records = recovered.flatMap((entry) =>
      hasFields(entry.metrics) ? [recordOf(entry, entry.metrics)] : [],
    )
    const orders = new Map(checkpoints.map(({ step, order }) => [step, order]))
    // A rewind that only its document shows gave a checkpoint another order key.
    const inOrder = history.all.map((line) => {
      const { segment, base } = orders.get(line.step) ?? line.order
      return { ...line, order: { ...line.order, segment, base } }
    })
    return history.replacedBy(
      [...inOrder.filter(({ step }) => !steps.has(step)), ...records].sort(
        (one, other) => one.step - other.step,
      ),
    )
  },
}
