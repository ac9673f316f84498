import { mayCommit } from '../../catalog/commit/rules/index.ts'
import { partsOfAttempt } from '../../catalog/documents/index.ts'
import type { PagedCatalog, WholeCatalog } from '../../catalog/pages/index.ts'
import { type UnfinishedSaves, unfinishedSaves } from '../attempts/unfinished.ts'
import { runningWriters } from '../attempts/writer-notes.ts'
import type { AttemptsUnderWay, StoreContext } from '../context/context.ts'

/**
 * Returns the unfinished saves of other writers. Commits once after them, which starts their grace period, so that a later
 * sweep can delete them. A dry run does not commit.
 */
export async function noteUnfinishedSaves(
  context: StoreContext,
  own: AttemptsUnderWay,
  catalog: WholeCatalog,
  { dryRun, signal }: { readonly dryRun: boolean; readonly signal: AbortSignal | undefined },
): Promise<UnfinishedSaves> {
  const { log, writer } = context
  const found = await unfinishedSaves(context, catalog, own, signal)
  if (found.saves === 0 || found.until !== undefined || dryRun || !mayCommit(catalog, writer)) return found
  const committed = await log.commit({ kind: 'raise floor', floor: catalog.floor }, signal)
  return unfinishedSaves(context, await log.wholeOf(committed.catalog, signal), own, signal)
}

/** Returns the unfinished saves of other writers, and changes nothing. */
export async function findUnfinishedSaves(
  context: StoreContext,
  own: AttemptsUnderWay,
  signal: AbortSignal | undefined,
): Promise<UnfinishedSaves> {
  return unfinishedSaves(context, await context.log.whole(signal), own, signal)
}

/**
 * Declares the unfinished saves of other writers dead, except those of processes that run on this machine. A writer that
 * still runs elsewhere is fenced when it commits.
 */
export async function endOtherSaves(
  context: StoreContext,
  own: AttemptsUnderWay,
  signal: AbortSignal | undefined,
): Promise<PagedCatalog> {
  const { log } = context
  const running = await runningWriters(context, own, signal)
  const bases = [...own, ...running].map((attempt) => partsOfAttempt(attempt).base)
  const newest = await log.newest(signal)
  const floor = Math.min(newest.version + 1, ...bases)
  if (floor <= newest.floor) return newest
  return (await log.commit({ kind: 'raise floor', floor }, signal)).catalog
}
