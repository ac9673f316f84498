import type { PagedCatalog } from '../../pages/index.ts'
import type { Change } from '../changes/index.ts'
import { entriesOf, wasDropped } from './dead.ts'
import type { CommitRequest } from './writer.ts'

/**
 * Rule 6: returns whether the version that this request created at `version` is part of the past of `newest`, which is
 * that version or a later one. The response to the creation is not sufficient, because a proxy may have sent it. A
 * version remains until the floor passes its number, and later versions follow it. So their history contains its commit
 * id. If their history begins later, the version itself is read.
 *
 * Below the floor, `newest` need not follow the created version: a process that slept can have created it a second time,
 * after it was damaged and swept. If `newest` has the change all the same, it is `included`. Then only `newest` knows
 * what was dropped.
 */
export function lookBack(
  request: CommitRequest,
  version: number,
  newest: PagedCatalog,
): 'committed' | 'included' | 'lost' | 'fenced' | 'unknown' | 'before its history' {
  if (newest.floor <= version) {
    const standing = newest.history.find((record) => record.version === version)
    if (standing === undefined) return 'before its history'
    return standing.commitId === request.commitId ? 'committed' : 'lost'
  }
  if (hasCommitted(newest, request)) return 'included'
  if (isFoundByRepair(newest, request.change)) return 'unknown'
  // An attempt is dead if it was discarded, or if the newest version does not know it and its base is below the floor (rule 2).
  if (request.change.kind === 'save') return 'fenced'
  const oldest = newest.history[0]?.version ?? Infinity
  return oldest <= version ? 'fenced' : 'unknown'
}

/**
 * Returns whether the newest version includes this commit, by its id or its attempt. An attempt that a repair listed
 * does not count, because the repair cannot know whether it was committed. Nor does one that another process discarded.
 */
export function hasCommitted(newest: PagedCatalog, { commitId, change }: CommitRequest): boolean {
  if (newest.history.some((record) => record.commitId === commitId)) return true
  if (change.kind !== 'save') return false
  const { step, attempt } = change.entry
  const { checkpoints, abandoned = [], removed = [] } = newest
  const listed = [checkpoints.get(step), ...abandoned, ...removed.map((each) => each.entry)]
  const isListed = listed.some((entry) => entry?.attempt === attempt && entry.recovered !== true)
  return isListed || wasDropped(newest, attempt)
}

/**
 * Returns whether a repair of a damaged catalog has listed or quarantined the attempt. A process that knows the
 * undamaged catalog may be sweeping it now.
 */
export function isFoundByRepair(newest: PagedCatalog, change: Change): boolean {
  if (change.kind !== 'save') return false
  return entriesOf(newest, change.entry.attempt).some(({ recovered }) => recovered === true)
}
