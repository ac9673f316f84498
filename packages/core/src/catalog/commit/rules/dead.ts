import {
  type AttemptId,
  attemptOfKey,
  type CatalogEntry,
  catalogVersionOf,
  type Drop,
  type PageId,
  pageOfKey,
  partsOfAttempt,
  rewindOfKey,
  termOfKey,
  versionOfPage,
  versionOfRewind,
  writerNoteOf,
} from '../../documents/index.ts'
import { attemptsOf, idsOf, type PagedCatalog, type WholeCatalog } from '../../pages/index.ts'

/** Rule 4: returns a function that decides by a committed version whether any process may delete an object. */
export function isDeadIn(newest: WholeCatalog): (key: string) => boolean {
  const listed = attemptsOf(newest)
  const dropped = new Set(newest.history.flatMap((record) => record.dropped.map(({ attempt }) => attempt)))
  const { checkpoints, metrics, retired } = newest
  const needed = new Set([
    ...idsOf(checkpoints.pages),
    ...idsOf(metrics.pages),
    ...retired.map(({ page }) => page),
  ])
  const isSettled = (attempt: AttemptId): boolean =>
    listed.has(attempt) || isBelowFloor(newest, attempt) || dropped.has(attempt)
  return (key) => {
    const note = writerNoteOf(key)
    if (note !== undefined) return isSettled(note.attempt)
    const version = catalogVersionOf(key)
    if (version !== undefined) return version < newest.floor
    const page = pageOfKey(key)
    if (page !== undefined) return versionOfPage(page) < newest.floor && !needed.has(page)
    const term = termOfKey(key)
    if (term !== undefined) return term < (newest.term ?? 0)
    const rewind = rewindOfKey(key)
    if (rewind !== undefined) return isRewindDead(newest, versionOfRewind(rewind))
    const attempt = attemptOfKey(key)
    if (attempt === undefined || listed.has(attempt)) return false
    return isBelowFloor(newest, attempt) || dropped.has(attempt)
  }
}

/**
 * Whether no repair needs the rewind that followed a version: it was never committed, or nothing that it left behind or
 * gave an order key is listed any more.
 */
function isRewindDead(newest: WholeCatalog, version: number): boolean {
  const { floor, rewound, checkpoints, quarantined, abandoned = [], removed = [] } = newest
  const isGiven = ({ order }: CatalogEntry): boolean => order.segment > 0 && order.base === version
  const isLeft = ({ order }: CatalogEntry): boolean => order.base <= version
  const isNeeded =
    rewound?.base === version ||
    checkpoints.all.some(isGiven) ||
    [...abandoned, ...[...quarantined, ...removed].map(({ entry }) => entry)].some(isLeft)
  return version < floor && !isNeeded
}

/**
 * Returns the state of an attempt by a version: listed (or quarantined, abandoned or removed), dead by rule 4, or undecided. The
 * version must have the lines of its pages if the step may be in them.
 */
export function fateOf(newest: PagedCatalog, attempt: AttemptId): 'listed' | 'dead' | 'open' {
  if (entriesOf(newest, attempt).length > 0) return 'listed'
  return isBelowFloor(newest, attempt) || dropsOf(newest, attempt).length > 0 ? 'dead' : 'open'
}

/** Rule 4 after a rise of the floor: returns the retired pages that no version from the floor on needs. */
export function pagesPassed(before: PagedCatalog, floor: number): readonly PageId[] {
  return before.retired.flatMap(({ page, since }) => (since <= floor ? [page] : []))
}

export function isBelowFloor(newest: PagedCatalog, attempt: AttemptId): boolean {
  return partsOfAttempt(attempt).base < newest.floor
}

/** An attempt is committed at most once. One that was committed and dropped is never listed again. */
export function wasDropped(newest: PagedCatalog, attempt: AttemptId): boolean {
  return dropsOf(newest, attempt).some(({ discarded }) => discarded !== true)
}

/** A discarded attempt was never committed, and never will be. Another process may still be storing it. */
export function wasDiscarded(newest: PagedCatalog, attempt: AttemptId): boolean {
  return dropsOf(newest, attempt).some(({ discarded }) => discarded === true)
}

function dropsOf({ history }: PagedCatalog, attempt: AttemptId): readonly Drop[] {
  return history.flatMap(({ dropped }) => dropped.filter((drop) => drop.attempt === attempt))
}

/** Returns the lines of an attempt: listed, quarantined, abandoned, or removed so that an undo can list it. */
export function entriesOf(
  { checkpoints, quarantined, abandoned = [], removed = [] }: PagedCatalog,
  attempt: AttemptId,
): readonly CatalogEntry[] {
  const listed = checkpoints.get(partsOfAttempt(attempt).step)
  return [
    ...(listed === undefined ? [] : [listed]),
    ...[...quarantined, ...removed].map(({ entry }) => entry),
    ...abandoned,
  ].filter((entry) => entry.attempt === attempt)
}

/** Whether the history names every commit after a version. */
export function remembersSince({ history }: PagedCatalog, version: number): boolean {
  const [oldest] = history
  return oldest === undefined || oldest.version <= version + 1
}
