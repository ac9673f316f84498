import type { AttemptId, CatalogEntry } from '../../documents/index.ts'
import { wholeCatalog } from '../../pages/index.ts'
import { fewOf, inOrderOfSaves, type KindOfChange, unchangedLists } from './change.ts'

/** Abandons copies whose originals a rewind of the source left behind. Skips copies that are not listed any more. */
export interface AbandonCopies {
  readonly kind: 'abandon copies'
  readonly copies: readonly Pick<CatalogEntry, 'step' | 'attempt'>[]
}

export const abandonCopies: KindOfChange<AbandonCopies> = {
  needsWhole: () => true,
  apply: (newest, { copies }) => {
    const catalog = wholeCatalog(newest)
    const left = attemptsOf(copies)
    const isLeft = ({ attempt }: CatalogEntry): boolean => left.has(attempt)
    return {
      ...unchangedLists(catalog),
      checkpoints: catalog.checkpoints.filter((entry) => !isLeft(entry)),
      abandoned: inOrderOfSaves([...(catalog.abandoned ?? []), ...catalog.checkpoints.all.filter(isLeft)]),
    }
  },
  describe: ({ copies }) => `abandon copies ${fewOf(copies.map(({ step }) => step))}`,
  recordMetrics: (newest, { copies }) => {
    const catalog = wholeCatalog(newest)
    const left = attemptsOf(copies)
    const steps = new Set(
      catalog.checkpoints.all.flatMap((entry) => (left.has(entry.attempt) ? [entry.step] : [])),
    )
    return catalog.metrics.replacedBy(
      catalog.metrics.all.map((line) => (steps.has(line.step) ? { ...line, abandoned: true } : line)),
    )
  },
}

function attemptsOf(copies: AbandonCopies['copies']): ReadonlySet<AttemptId> {
  return new Set(copies.map(({ attempt }) => attempt))
}
