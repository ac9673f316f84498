import type { CatalogEntry } from '../../documents/index.ts'
import { fewOf, inOrderOfSaves, type KindOfChange, unchangedLists } from './change.ts'

/**
 * Lists quarantined checkpoints that verify again, unless their step was saved again since. Those that a rewind left behind
 * are abandoned again.
 */
export interface Readmit {
  readonly kind: 'readmit'
  readonly entries: readonly CatalogEntry[]
}

export const readmit: KindOfChange<Readmit> = {
  needsWhole: () => true,
  apply: (catalog, { entries }) => {
    const attempts = new Set(entries.map(({ attempt }) => attempt))
    const listed = new Map<number, CatalogEntry>()
    const abandoned: CatalogEntry[] = []
    for (const { entry, abandoned: isAbandoned = false } of catalog.quarantined) {
      if (!attempts.has(entry.attempt)) continue
      if (isAbandoned) abandoned.push(entry)
      else if (catalog.checkpoints.get(entry.step) === undefined) listed.set(entry.step, entry)
    }
    const readmitted = new Set([...listed.values(), ...abandoned].map(({ attempt }) => attempt))
    const lists = unchangedLists(catalog)
    return {
      ...lists,
      abandoned: inOrderOfSaves([...lists.abandoned, ...abandoned]),
      checkpoints: [...listed.values()].reduce(
        (list, entry) => list.with(entry.step, entry),
        catalog.checkpoints,
      ),
      quarantined: catalog.quarantined.filter(({ entry }) => !readmitted.has(entry.attempt)),
    }
  },
  describe: ({ entries }) => `readmit ${fewOf(entries.map(({ step }) => step))}`,
}
