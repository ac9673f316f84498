import type { Committed } from '../../catalog/commit/catalog-log.ts'
import { mayChange } from '../../catalog/commit/rules/index.ts'
import { deleteDropped } from '../attempts/delete-dropped.ts'
import type { StoreContext } from '../context/context.ts'
import { type Forgotten, isExpired, toForget } from './due-removals.ts'

/**
 * Drops removed checkpoints for good, so that their files may be deleted: all, or those whose time for an undo has ended.
 * Returns `undefined` if there are none, or if this writer may not commit.
 */
export async function forgetRemoved(
  { log, writer, environment }: StoreContext,
  which: Forgotten,
  signal: AbortSignal | undefined,
): Promise<Committed | undefined> {
  const newest = await log.newest(signal)
  const attempts = toForget(newest, which, environment.now())
  if (attempts.length === 0 || !mayChange(newest, writer)) return undefined
  return log.commit({ kind: 'forget removed', attempts }, signal)
}

/** Drops removed checkpoints for good, and deletes their files. Returns whether there were any. */
export async function deleteRemoved(
  context: StoreContext,
  which: Forgotten,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const committed = await forgetRemoved(context, which, signal)
  if (committed !== undefined) await deleteDropped(context, committed)
  return committed !== undefined
}

/** Deletes removed checkpoints whose time for an undo has ended, if the newest known version has any. */
export async function deleteExpired(context: StoreContext, signal: AbortSignal | undefined): Promise<void> {
  const { log, environment } = context
  if (log.known === undefined || !isExpired(log.known, environment.now())) return
  await deleteRemoved(context, 'expired', signal)
}
