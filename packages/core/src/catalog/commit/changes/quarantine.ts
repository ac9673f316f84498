import type { AttemptId } from '../../documents/index.ts'
import type { CatalogEntry, Quarantined } from '../../documents/index.ts'
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
    const lists = unchangedLists(catalog)
    const aside = (entry: CatalogEntry): readonly Quarantined[] => {
      const reason = reasons.get(entry.attempt)
      return reason === undefined ? [] : [{ entry, reason, at }]
    }
    return {
      ...lists,
      checkpoints: catalog.checkpoints.filter(({ attempt }) => !reasons.has(attempt)),
      abandoned: lists.abandoned.filter(({ attempt }) => !reasons.has(attempt)),
      quarantined: [
        ...catalog.quarantined,
        ...catalog.checkpoints.all.flatMap(aside),
        ...lists.abandoned.flatMap(aside).map((found) => ({ ...found, abandoned: true })),
      ],
    }
  },
  describe: ({ found }) => `quarantine ${fewOf(found.map(({ step }) => step))}`,
}
