import { HoldfastError, isHoldfastError } from '../../errors.ts'
import { mayCommit } from '../../catalog/commit/rules/index.ts'
import { type AttemptId, attemptPrefix, manifestKey, partsOfAttempt } from '../../catalog/documents/index.ts'
import type { PagedCatalog } from '../../catalog/pages/index.ts'
import { discardAttempt, deleteFailed } from '../attempts/discard-attempt.ts'
import type { StoreContext } from '../context/context.ts'
import type { SpaceAccess } from './space/access.ts'

export interface FailedAttempt {
  readonly attempt: AttemptId
  /** Whether the manifest may have been stored. A repair by another process could then list the attempt. */
  readonly mayBeWhole: boolean
}

/**
 * Removes everything that a failed save has written, and returns the error for the caller. Removes nothing if the
 * outcome is unknown, because the save may be committed.
 */
export async function giveUp(
  context: StoreContext,
  access: SpaceAccess,
  failed: FailedAttempt,
  failure: unknown,
): Promise<unknown> {
  const { attempt } = failed
  const error = (await fencedMeanwhile(context, attempt, failure)) ?? failure
  if (isHoldfastError(error, 'OUTCOME_UNKNOWN')) return error
  const mayBeWhole = failed.mayBeWhole && !isRefusedForSpace(attempt, failure)
  const removing = (): Promise<Removal> => remove(context, access, attempt, mayBeWhole)
  if (mayBeWhole && isHoldfastError(error, 'ABORTED')) {
    // An aborted call does not wait for the commits before its own.
    access.afterwards(async () => {
      await removing()
    })
    return error
  }
  return (await removing()) === 'listed' ? listedByRepair(context, error) : error
}

type Removal = 'removed' | 'listed' | 'postponed'

async function remove(
  context: StoreContext,
  access: SpaceAccess,
  attempt: AttemptId,
  mayBeWhole: boolean,
): Promise<Removal> {
  try {
    if (mayBeWhole) return await access.freeing(undefined, () => discardAttempt(context, attempt))
    await deleteFailed(context, attempt)
    return 'removed'
  } catch (reason) {
    access.toDiscard.add(attempt)
    const error = reason instanceof Error ? reason : new Error(String(reason))
    context.events.emit('cleanupFailed', { keys: [attempt], error })
    return 'postponed'
  }
}

/** A store without space for the manifest has not stored it. */
function isRefusedForSpace(attempt: AttemptId, failure: unknown): boolean {
  return isHoldfastError(failure, 'INSUFFICIENT_SPACE') && failure.key === manifestKey(attempt)
}

/**
 * A takeover sweeps the attempts of the previous writer, even one that is still being written. Its files are then
 * missing. Returns `FENCED` as the reason for such a failure.
 */
async function fencedMeanwhile(
  { backend, log, writer }: StoreContext,
  attempt: AttemptId,
  failure: unknown,
): Promise<HoldfastError | undefined> {
  const isOfAttempt =
    isHoldfastError(failure, 'NOT_FOUND', 'UNAVAILABLE') &&
    failure.key?.startsWith(attemptPrefix(attempt)) === true
  if (!isOfAttempt) return undefined
  let newest: PagedCatalog
  try {
    newest = await log.newest()
  } catch (error) {
    if (isHoldfastError(error)) return undefined // the first failure is more useful
    throw error
  }
  const isDead = partsOfAttempt(attempt).base < newest.floor
  if (!isDead && mayCommit(newest, writer)) return undefined
  return new HoldfastError(
    'FENCED',
    'Another writer took the store over during this save, and removed its files. Nothing was changed.',
    { url: backend.url, key: failure.key, cause: failure },
  )
}

function listedByRepair({ backend }: StoreContext, cause: unknown): HoldfastError {
  return new HoldfastError(
    'OUTCOME_UNKNOWN',
    'This save failed, but a repair by another process found and listed its files. Verify the step. If it is corrupt, save it ' +
      'again under another step.',
    { url: backend.url, cause },
  )
}
