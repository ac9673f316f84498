import { compareSaves, latestOf } from '../../order-key.ts'
import type { CatalogEntry, Quarantined } from '../documents/index.ts'
import { allRead, type PagedCatalog } from '../pages/index.ts'
import { type CheckpointChoice, chooseEntry, quarantinedChoice } from './choose.ts'
import type { JudgedCatalog } from './judged-catalog.ts'

/** The checkpoint that a restore tries next. */
export type ToRestore =
  | { readonly kind: 'listed'; readonly entry: CatalogEntry }
  /** The chosen step is quarantined. */
  | { readonly kind: 'quarantined'; readonly entry: CatalogEntry; readonly reason: string }

/**
 * Returns the checkpoint that a restore tries after it has passed over others, in this order; `undefined` if none is left. First
 * comes the chosen one. After it come those from which its run continued, and then older ones, or after a best one the next best.
 */
export function nextToRestore(
  judged: JudgedCatalog,
  choice: CheckpointChoice,
  passedOver: readonly CatalogEntry[],
): ToRestore | undefined {
  const avoided = new Set(passedOver.map(({ attempt }) => attempt))
  const isOffered = ({ attempt }: CatalogEntry): boolean => !avoided.has(attempt)
  const quarantined = quarantinedChoice(judged.catalog, choice)
  if (quarantined !== undefined && isOffered(quarantined.entry)) return asQuarantined(quarantined)
  const entry =
    inLine(judged.catalog, choice, passedOver.at(-1), isOffered) ??
    chooseEntry(judged, choice, isOffered) ??
    beforeStep(judged.catalog, choice, passedOver[0], isOffered)
  return entry === undefined ? undefined : { kind: 'listed', entry }
}

function asQuarantined({ entry, reason }: Quarantined): ToRestore {
  return { kind: 'quarantined', entry, reason }
}

/** The best checkpoint is replaced by the next best one, whatever led to it. */
function inLine(
  catalog: PagedCatalog,
  choice: CheckpointChoice,
  last: CatalogEntry | undefined,
  isOffered: (entry: CatalogEntry) => boolean,
): CatalogEntry | undefined {
  if (typeof choice !== 'number' && choice !== 'latest') return undefined
  return continuedFrom(catalog, last, isOffered)
}

/** Only one checkpoint has the chosen step, so the next one is older. */
function beforeStep(
  catalog: PagedCatalog,
  choice: CheckpointChoice,
  chosen: CatalogEntry | undefined,
  isOffered: (entry: CatalogEntry) => boolean,
): CatalogEntry | undefined {
  if (typeof choice !== 'number' || chosen === undefined) return undefined
  const older = allRead(catalog.checkpoints).all.filter((entry) => compareSaves(entry, chosen) < 0)
  return latestOf(older.filter(isOffered))
}

/**
 * Returns the nearest checkpoint in the line of a corrupt one that is offered: the one that its run continued from, or one
 * that this continued from. `undefined` if the line is not known, or leads to none.
 */
export function continuedFrom(
  { checkpoints, quarantined, abandoned = [] }: PagedCatalog,
  corrupt: CatalogEntry | undefined,
  offered: (entry: CatalogEntry) => boolean,
): CatalogEntry | undefined {
  if (corrupt?.resumed === undefined) return undefined
  const listed = allRead(checkpoints).all
  const unlisted = [...quarantined.map(({ entry }) => entry), ...abandoned]
  const known = new Map([...unlisted, ...listed].map((entry) => [entry.attempt, entry]))
  const seen = new Set([corrupt.attempt])
  for (let at = known.get(corrupt.resumed); at !== undefined && !seen.has(at.attempt); ) {
    if (offered(at) && listed.includes(at)) return at
    seen.add(at.attempt)
    at = at.resumed === undefined ? undefined : known.get(at.resumed)
  }
  return undefined
}
