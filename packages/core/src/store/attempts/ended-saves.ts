import { type AttemptId, attemptPrefix } from '../../catalog/documents/index.ts'
import type { AttemptsUnderWay, StoreContext } from '../context/context.ts'
import { discardAttempt } from './discard-attempt.ts'
import { forgetWriter, notedWriters } from './writer-notes.ts'

/**
 * Deletes the attempts of processes of this machine that have ended without a commit, such as killed ones. A commit declares
 * each of them dead first. If the store shows that an attempt was committed after all, it stays.
 */
export async function removeEndedSaves(
  context: StoreContext,
  own: AttemptsUnderWay,
  signal: AbortSignal | undefined,
): Promise<void> {
  let saves = 0
  let bytes = 0
  for (const { key, attempt, liveness } of await notedWriters(context, signal)) {
    if (liveness !== 'ended' || own.has(attempt)) continue
    const size = await sizeOf(context, attempt, signal)
    if ((await discardAttempt(context, attempt)) === 'removed') {
      await removeTemporaryFiles(context, attempt)
      saves += 1
      bytes += size
    }
    await forgetWriter(context, key)
  }
  if (saves > 0) context.events.emit('swept', { saves, bytes })
}

/** The size of what an attempt has stored, with its temporary files. */
async function sizeOf(
  { backend }: StoreContext,
  attempt: AttemptId,
  signal: AbortSignal | undefined,
): Promise<number> {
  let bytes = 0
  const prefix = attemptPrefix(attempt)
  for await (const { size } of backend.list(prefix, { signal })) bytes += size
  const { discarded } = await backend.sweep({ olderThan: 0, prefix, only: () => true, dryRun: true, signal })
  return discarded.reduce((sum, { size = 0 }) => sum + size, bytes)
}

async function removeTemporaryFiles({ backend }: StoreContext, attempt: AttemptId): Promise<void> {
  await backend.sweep({ olderThan: 0, prefix: attemptPrefix(attempt), only: () => true })
}
