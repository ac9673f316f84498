import type { CatalogEntry } from '../../documents/index.ts'
import type { PagedCatalog } from '../../pages/index.ts'
import { fewOf, inOrderOfSaves, type KindOfChange, unchangedLists } from './change.ts'
import { waitingAgain } from './waiting.ts'

/**
 * Lists quarantined checkpoints that verify again, unless their step was saved again since. Those that a rewind abandoned
 * are abandoned again.
 */
export interface Readmit {
  readonly kind: 'readmit'
  readonly entries: readonly CatalogEntry[]
}

export const readmit: KindOfChange<Readmit> = {
  needsWhole: () => true,
  apply: (catalog, change) => {
    const { listed, abandoned } = readmittedBy(catalog, change)
    const readmitted = new Set([...listed, ...abandoned].map(({ attempt }) => attempt))
    const lists = unchangedLists(catalog)
    return {
      ...lists,
      abandoned: inOrderOfSaves([...lists.abandoned, ...abandoned]),
      checkpoints: listed.reduce((list, entry) => list.with(entry.step, entry), catalog.checkpoints),
      quarantined: catalog.quarantined.filter(({ entry }) => !readmitted.has(entry.attempt)),
    }
  },
  mirror: (catalog, change) => waitingAgain(catalog, readmittedBy(catalog, change).listed),
  describe: ({ entries }) => `readmit ${fewOf(entries.map(({ step }) => step))}`,
}

/** Separates the quarantined checkpoints that a change lists again from those that it abandons again. */
function readmittedBy(
  catalog: PagedCatalog,
  { entries }: Readmit,
): { readonly listed: readonly CatalogEntry[]; readonly abandoned: readonly CatalogEntry[] } {
  const attempts = new Set(entries.map(({ attempt }) => attempt))
  const listed = new Map<number, CatalogEntry>()
  const abandoned: CatalogEntry[] = []
  for (const { entry, abandoned: isAbandoned = false } of catalog.quarantined) {
    if (!attempts.has(entry.attempt)) continue
    if (isAbandoned) abandoned.push(entry)
    else if (catalog.checkpoints.get(entry.step) === undefined) listed.set(entry.step, entry)
  }
  return { listed: [...listed.values()], abandoned }
}
