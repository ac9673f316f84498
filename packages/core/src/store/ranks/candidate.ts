import { type AttemptId, type CatalogEntry, partsOfAttempt } from '../../catalog/documents/index.ts'
import { latestOffered } from '../../catalog/judging/choose.ts'
import { continuedFrom } from '../../catalog/judging/next-to-restore.ts'
import type { PagedCatalog } from '../../catalog/pages/index.ts'
import type { TriedTooOften } from '../restore/tried-too-often.ts'
import { triesBefore } from './rules.ts'

/** A checkpoint that a rank proposes to its term. */
export interface Candidate {
  /** `undefined` if there is none. */
  readonly entry: CatalogEntry | undefined
  /** Those that were passed over because they were restored too often. */
  readonly tooOften: readonly TriedTooOften[]
}

/** What a term does not continue from. */
export interface Passed {
  readonly term: number
  /** The checkpoints that the term found corrupt, the last one last. */
  readonly avoided: Iterable<AttemptId>
  readonly maxTries: number
}

/**
 * Returns the checkpoint from which a term continues by one version of the catalog: the latest, and after a corrupt one, or one
 * that was restored too often, the one from which that continued. Needs the lines of pages unless that is the latest.
 */
export function candidateIn(catalog: PagedCatalog, { term, avoided, maxTries }: Passed): Candidate {
  const passed = new Set(avoided)
  const tooOften: TriedTooOften[] = []
  let last = entryOfAttempt(catalog, [...passed].at(-1))
  for (;;) {
    const isOffered = ({ attempt }: CatalogEntry): boolean => !passed.has(attempt)
    const entry = continuedFrom(catalog, last, isOffered) ?? latestOffered(catalog, isOffered)
    if (entry === undefined) return { entry, tooOften }
    const tries = triesBefore(catalog, entry.attempt, term)
    if (tries < maxTries) return { entry, tooOften }
    passed.add(entry.attempt)
    tooOften.push({ step: entry.step, tries })
    last = entry
  }
}

function entryOfAttempt(
  { checkpoints, quarantined }: PagedCatalog,
  attempt: AttemptId | undefined,
): CatalogEntry | undefined {
  if (attempt === undefined) return undefined
  const listed = checkpoints.get(partsOfAttempt(attempt).step)
  if (listed?.attempt === attempt) return listed
  return quarantined.find(({ entry }) => entry.attempt === attempt)?.entry
}
