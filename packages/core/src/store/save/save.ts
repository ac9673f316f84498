import { isHoldfastError, throwIfAborted } from '../../errors.ts'
import { checkpointOf } from '../checkpoint.ts'
import type { Committed } from '../commit/catalog-log.ts'
import { lists } from '../commit/changes.ts'
import type { StoreContext } from '../context.ts'
import { type AttemptId, type Catalog, fileKey, newAttemptId } from '../documents/index.ts'
import { bestNames } from '../restore/choose.ts'
import { deleteAttempts } from '../upkeep/delete-dead.ts'
import type { PlannedFile } from './plan.ts'
import type { SaveRequest } from './request.ts'
import type { SaveResult } from './result.ts'
import { guardSpace } from './space.ts'
import { type WrittenAttempt, writeAttempt } from './write-attempt.ts'

/** Attempts of this process that are under way. Their bases hold back the floor. */
export type AttemptsUnderWay = Set<AttemptId>

/**
 * One save of planned files: guard, write, manifest, commit, clean up. `newest` is the newest version known when
 * it begins.
 */
export async function saveCheckpoint(
  context: StoreContext,
  newest: Catalog,
  underWay: AttemptsUnderWay,
  request: SaveRequest,
  files: readonly PlannedFile[],
): Promise<SaveResult> {
  const { backend, events, surroundings } = context
  const began = surroundings.now()
  throwIfAborted(request.signal, `The save of step ${request.step}`, { url: backend.url })
  await guardSpace(backend, context.space, request.step, files, newest, events, request.signal)
  // Taken in the same turn as the attempt is noted, so that no floor of ours can come between the two.
  const base = (context.log.known ?? newest).version
  const attempt = newAttemptId(request.step, base, surroundings.newToken())
  underWay.add(attempt)
  try {
    const { written, committed } = await abandonOnFailure(context, attempt, async () => {
      const { onExisting = 'fail', signal } = request
      const attempted = await writeAttempt(backend, attempt, files, request, began.toISOString())
      const change = { kind: 'save', entry: attempted.entry, onExisting } as const
      return { written: attempted, committed: await context.log.commit(change, signal) }
    })
    await deleteDropped(context, committed)
    events.emit('saved', { step: request.step, bytes: written.entry.bytes })
    return describeSave(context, written, committed, surroundings.now().getTime() - began.getTime())
  } finally {
    underWay.delete(attempt)
  }
}

/** Deletes what a commit dropped. What cannot be deleted now is reported, and swept another time. */
export async function deleteDropped(
  { backend, events }: StoreContext,
  { dropped }: Committed,
): Promise<void> {
  if (dropped.length === 0) return
  for (const { step, because } of dropped) events.emit('dropped', { step, because })
  try {
    const { failed } = await deleteAttempts(
      backend,
      dropped.map(({ attempt }) => attempt),
    )
    const [failure] = failed
    if (failure !== undefined) {
      events.emit('leftBehind', { keys: failed.map(({ key }) => key), error: failure.error })
    }
  } catch (error) {
    if (!(error instanceof Error)) throw error
    events.emit('leftBehind', { keys: dropped.map(({ attempt }) => attempt), error })
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
  } catch (error) {
    if (!isHoldfastError(error, 'OUTCOME_UNKNOWN')) {
      await deleteUnlisted(context, attempt).catch((failure: unknown) => {
        const reason = failure instanceof Error ? failure : new Error(String(failure))
        context.events.emit('leftBehind', { keys: [attempt], error: reason })
      })
    }
    throw error
  }
}

/** A repair of another process may have found the attempt whole, and listed it. */
async function deleteUnlisted({ backend, log }: StoreContext, attempt: AttemptId): Promise<void> {
  if (!lists(await log.newest(), attempt)) await deleteAttempts(backend, [attempt])
}

function describeSave(
  { objectives }: StoreContext,
  { entry, manifest }: WrittenAttempt,
  { catalog, dropped }: Committed,
  duration: number,
): SaveResult {
  const listed = catalog.checkpoints.find(({ attempt }) => attempt === entry.attempt) ?? entry
  return {
    ...checkpointOf(listed, bestNames(catalog, objectives).get(entry.attempt) ?? []),
    contents: manifest.files.map(({ name, size, sha256 }) => ({
      name,
      size,
      sha256,
      key: fileKey(entry.attempt, name),
    })),
    dropped: dropped.map(({ step, because }) => ({ step, because })),
    duration,
  }
}
