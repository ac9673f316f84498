import type { CatalogEntry } from '../../documents/index.ts'
import { fewOf, type KindOfChange, unchangedLists } from './change.ts'

/** Lists quarantined checkpoints that verify again, unless their step was saved again since. */
export interface Readmit {
  readonly kind: 'readmit'
  readonly entries: readonly CatalogEntry[]
}

export const readmit: KindOfChange<Readmit> = {
  needsWhole: () => true,
  apply: (catalog, { entries }) => {
    const attempts = new Set(entries.map(({ attempt }) => attempt))
    const listed = new Map<number, CatalogEntry>()
    for (const { entry } of catalog.quarantined) {
      if (attempts.has(entry.attempt) && catalog.checkpoints.get(entry.step) === undefined)
        listed.set(entry.step, entry)
    }
    const readmitted = new Set([...listed.values()].map(({ attempt }) => attempt))
    return {
      ...unchangedLists(catalog),
      checkpoints: [...listed.values()].reduce(
        (list, entry) => list.with(entry.step, entry),
        catalog.checkpoints,
      ),
      quarantined: catalog.quarantined.filter(({ entry }) => !readmitted.has(entry.attempt)),
    }
  },
  describe: ({ entries }) => `readmit ${fewOf(entries.map(({ step }) => step))}`,
}
