import { HoldfastError, isHoldfastError, throwIfAborted } from '../../errors.ts'
import { contentsOf, judgedCheckpoint } from '../../catalog/judging/checkpoint.ts'
import type { Committed } from '../../catalog/commit/catalog-log.ts'
import { attemptsOf } from '../../catalog/commit/changes.ts'
import { mayCommit } from '../../catalog/commit/rules.ts'
import type { StoreContext } from '../context.ts'
import {
  type AttemptId,
  manifestKey,
  attemptPrefix,
  newAttemptId,
  partsOfAttempt,
} from '../../catalog/documents/index.ts'
import { deleteAttempts } from '../attempts/delete-attempts.ts'
import { deleteDropped } from '../attempts/delete-dropped.ts'
import { keepingOf } from '../../catalog/judging/recorded-keeping.ts'
import { storedAtOf, tellOfClocks, withClockJump } from './clocks.ts'
import { tellOfMetrics, tellOfUnscored } from './metric-events.ts'
import type { PagedCatalog } from '../../catalog/pages/index.ts'
import type { SavePlan } from './plan.ts'
import type { SaveRequest } from './request.ts'
import type { SaveResult } from './result.ts'
import { guardSpace, type SpaceAccess } from './space.ts'
import { type WrittenAttempt, writeAttempt } from '../attempts/write-attempt.ts'

/**
 * One save of planned files: guard, write, manifest, commit, clean up. `newest` is the newest version known when
 * it begins.
 */
export async function saveCheckpoint(
  context: StoreContext,
  newest: PagedCatalog,
  access: SpaceAccess,
  request: SaveRequest,
  { files, warnings }: SavePlan,
): Promise<SaveResult> {
  const { backend, events, environment } = context
  const began = environment.now()
  throwIfAborted(request.signal, `The save of step ${request.step}`, { url: backend.url })
  const madeRoom = await guardSpace(context, request.step, files, newest, access, request.signal)
  // Taken in the same turn as the attempt is noted, so that no floor of ours can come between the two.
  const base = (context.log.known ?? newest).version
  const attempt = newAttemptId(request.step, base, environment.newToken())
  access.attempts.add(attempt)
  try {
    const { written, committed } = await abandonOnFailure(context, attempt, async () => {
      const { onExisting = 'fail', allowBest, signal } = request
      const attempted = await writeAttempt(backend, attempt, files, request, began.toISOString())
      const entry = withClockJump(context, attempted.entry)
      const change = { kind: 'save', entry, onExisting, allowBest } as const
      return { written: attempted, committed: await context.log.commit(change, signal) }
    })
    // The checkpoint is durable: its caller need not wait until others are deleted.
    access.afterwards(async () => {
      await deleteDropped(context, committed)
      await access.tidyNowAndThen()
    })
    events.emit('saved', { step: request.step, bytes: written.entry.bytes })
    const dropped = [...madeRoom, ...committed.dropped]
    const judged = describeSave(context, written, { ...committed, dropped }, began, environment.now())
    const saved = { ...judged, warnings }
    tellOfMetrics(context, saved)
    tellOfUnscored(context, committed.catalog)
    tellOfClocks(context, committed.catalog, storedAtOf(written.entry))
    return saved
  } finally {
    access.attempts.delete(attempt)
  }
}

/**
 * A failed attempt is removed at once, so that the store is as it was. On an unknown outcome nothing is: it
 * may be the truth.
 */
async function abandonOnFailure<T>(
  context: StoreContext,
  attempt: AttemptId,
  save: () => Promise<T>,
): Promise<T> {
  try {
    return await save()
  } catch (failure) {
    const error = (await fencedMeanwhile(context, attempt, failure)) ?? failure
    if (!isHoldfastError(error, 'OUTCOME_UNKNOWN')) {
      await deleteUnlisted(context, attempt).catch((failure: unknown) => {
        const reason = failure instanceof Error ? failure : new Error(String(failure))
        context.events.emit('cleanupFailed', { keys: [attempt], error: reason })
      })
    }
    throw error
  }
}

/**
 * Whoever takes the store over sweeps the attempts of the writer before it, also one that is being written: its files
 * are missing then. `FENCED` is the reason, and what was missing only its effect.
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
    if (isHoldfastError(error)) return undefined // the first failure says more
    throw error
  }
  const isDead = partsOfAttempt(attempt).base < newest.floor
  if (!isDead && mayCommit(newest, writer)) return undefined
  return new HoldfastError(
    'FENCED',
    'Another writer won, and nothing was changed. It took the store over while this save was written, and removed what ' +
      'was written of it.',
    { url: backend.url, key: failure.key, cause: failure },
  )
}

/**
 * Removes an attempt that failed, unless a repair of another process has found it whole and listed it. The manifest goes
 * first and alone: from then on no repair finds the attempt whole, and one that has just listed it takes it back.
 */
async function deleteUnlisted({ backend, log }: StoreContext, attempt: AttemptId): Promise<void> {
  if (attemptsOf(await log.whole()).has(attempt)) return
  const { failed } = await backend.delete([manifestKey(attempt)])
  if (failed[0] !== undefined) throw failed[0].error
  if (attemptsOf(await log.whole()).has(attempt)) await log.commit({ kind: 'withdraw', attempts: [attempt] })
  await deleteAttempts(backend, [attempt])
}

function describeSave(
  { keeping }: StoreContext,
  { entry, manifest }: WrittenAttempt,
  { catalog, dropped }: Committed,
  began: Date,
  ended: Date,
): Omit<SaveResult, 'warnings'> {
  const listed = catalog.checkpoints.get(entry.step)
  return {
    ...judgedCheckpoint(
      catalog,
      listed?.attempt === entry.attempt ? listed : entry,
      keepingOf(keeping, catalog),
      ended,
    ),
    contents: contentsOf(manifest).contents,
    dropped: dropped.map(({ step, because }) => ({ step, because })),
    duration: ended.getTime() - began.getTime(),
  }
}
