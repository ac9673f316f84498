import type { AttemptId } from '../../documents/index.ts'
import { wholeCatalog } from '../../pages/index.ts'
import { fewOf, type KindOfChange, unchangedLists } from './change.ts'

/** Moves corrupt checkpoints from the list to the quarantine. */
export interface Quarantine {
  readonly kind: 'quarantine'
  readonly found: readonly Finding[]
}

/** A checkpoint that was found to be corrupt. */
export interface Finding {
  readonly step: number
  readonly attempt: AttemptId
  readonly reason: string
}

export const quarantine: KindOfChange<Quarantine> = {
  needsWhole: () => true,
  apply: (newest, { found }, { at }) => {
    const catalog = wholeCatalog(newest)
    const reasons = new Map(found.map(({ attempt, reason }) => [attempt, reason]))
    const aside = catalog.checkpoints.all.flatMap((entry) => {
      const reason = reasons.get(entry.attempt)
      return reason === undefined ? [] : [{ entry, reason, at }]
    })
    return {
      ...unchangedLists(catalog),
      checkpoints: catalog.checkpoints.filter(({ attempt }) => !reasons.has(attempt)),
      quarantined: [...catalog.quarantined, ...aside],
    }
  },
  describe: ({ found }) => `quarantine ${fewOf(found.map(({ step }) => step))}`,
}
