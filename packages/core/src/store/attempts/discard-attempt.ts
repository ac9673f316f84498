import { fateOf } from '../../catalog/commit/rules/index.ts'
import type { AttemptId } from '../../catalog/documents/index.ts'
import type { StoreContext } from '../context/context.ts'
import { deleteAttempts } from './delete-attempts.ts'

/**
 * Deletes an attempt whose save has failed and that may be complete, unless a repair has listed it. First a commit
 * declares it dead. Otherwise a repair could list the attempt during its deletion, and retention could drop other
 * checkpoints in its favour.
 */
export async function discardAttempt(
  context: StoreContext,
  attempt: AttemptId,
): Promise<'removed' | 'listed'> {
  const { catalog } = await context.log.commit({ kind: 'discard', attempt })
  if (fateOf(catalog, attempt) === 'listed') return 'listed'
  await deleteFailed(context, attempt)
  return 'removed'
}

/** Deletes an attempt that no repair can list, because it is dead or has no manifest. */
export async function deleteFailed({ backend, events }: StoreContext, attempt: AttemptId): Promise<void> {
  const { failed } = await deleteAttempts(backend, [attempt])
  const [first] = failed
  if (first === undefined) return
  events.emit('cleanupFailed', { keys: failed.map(({ key }) => key), error: first.error })
}
