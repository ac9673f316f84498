import type { CheckpointChoice } from '../../catalog/judging/choose.ts'
import type { AttemptId } from '../../catalog/documents/index.ts'
import { HoldfastError } from '../../errors.ts'
import type { StoreContext } from '../context/context.ts'
import type { RestoreOptions } from './result.ts'

/** Throws `INVALID_ARGUMENT` if restores cannot be counted: only the owner of a store or a job counts them. */
export function assertMayCount(
  { writer, backend }: StoreContext,
  choice: CheckpointChoice,
  { maxTries, fallback }: RestoreOptions,
): void {
  if (maxTries === undefined) return
  if (!Number.isSafeInteger(maxTries) || maxTries < 1)
    throw invalid(`maxTries must be a whole number from 1, not ${String(maxTries)}.`, backend.url)
  if (choice !== 'latest' || fallback !== true)
    throw invalid("maxTries requires the choice 'latest' and fallback: true.", backend.url)
  if (writer.mode === 'exclusive') return
  throw new HoldfastError('INVALID_ARGUMENT', 'Only the owner of a store or a job counts restores.', {
    url: backend.url,
    hint: { kind: 'own-store' },
  })
}

/** What a store does once a restore is counted: goes back to the restored checkpoint, or keeps the ones after it. */
export type AfterCount = 'rewind' | 'stay'

/** Commits that a checkpoint is restored once more. The store must have been taken over. */
export async function countRestore(
  { log }: StoreContext,
  { step, attempt }: { readonly step: number; readonly attempt: AttemptId },
  after: AfterCount,
  signal: AbortSignal | undefined,
): Promise<void> {
  // First, because this is refused once another process of the job has taken the store over. A rewind is not.
  await log.commit({ kind: 'count restore', step, attempt }, signal)
  // The run continues from here. So the steps after it must be free, and the next save must be the latest.
  if (after === 'rewind') await log.commit({ kind: 'rewind', step }, signal)
}

function invalid(message: string, url: string): HoldfastError {
  return new HoldfastError('INVALID_ARGUMENT', message, { url })
}
