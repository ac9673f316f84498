import { throwIfAborted } from '../../errors.ts'
import { contentsOf, judgedCheckpoint } from '../../catalog/judging/checkpoint.ts'
import { ownSegment } from '../../catalog/commit/segments.ts'
import type { Committed } from '../../catalog/commit/catalog-log.ts'
import type { StoreContext } from '../context.ts'
import { type AttemptId, newAttemptId, type Timing } from '../../catalog/documents/index.ts'
import type { AttemptContent } from '../attempts/content.ts'
import { deleteDropped } from '../attempts/delete-dropped.ts'
import type { JudgedCatalog } from '../../catalog/judging/judged-catalog.ts'
import { reportClockDoubts } from '../clock-events.ts'
import { judgedNow } from '../judged-now.ts'
import { reportMetrics, reportUnscored } from '../metric-events.ts'
import { storedAtOf, withClockJump } from './clocks.ts'
import { bytesToShare, findReusable } from './find-reusable.ts'
import { giveUp } from './give-up.ts'
import { highestStepOf } from './highest-step.ts'
import type { PagedCatalog } from '../../catalog/pages/index.ts'
import type { SavePlan } from './plan.ts'
import type { SaveRequest } from './request.ts'
import type { SaveResult } from './result.ts'
import type { SpaceAccess } from './space/access.ts'
import { guardSpace } from './space/guard.ts'
import { FiniteRequirement } from '../attempts/require-finite.ts'
import { forgetWriter, noteWriter } from '../attempts/writer-notes.ts'
import { type Began, type WrittenAttempt, writeFiles, writeManifest } from '../attempts/write-attempt.ts'

/**
 * Saves planned files: checks space, writes the files and the manifest, commits, and cleans up. `newest` is the newest known
 * version when the save begins. `replaces` is the attempt that the step had then.
 */
export async function saveCheckpoint(
  context: StoreContext,
  newest: PagedCatalog,
  access: SpaceAccess,
  request: SaveRequest,
  { files, warnings }: SavePlan,
  replaces: AttemptId | 'nothing',
): Promise<SaveResult> {
  const { backend, events, environment } = context
  const began = environment.now()
  const { step, packs = 'auto', signal } = request
  const order = { segment: ownSegment(newest), base: newest.version }
  throwIfAborted(signal, `The save of step ${step}`, { url: backend.url })
  const toStore = { files, packs }
  const shared = (known: PagedCatalog): Promise<number> => bytesToShare(context, known, request, files)
  const madeRoom = await guardSpace({ context, access, step, toStore, bytesToShare: shared, signal }, newest)
  // Read in the same turn in which the attempt is registered, so that this process cannot raise the floor in between.
  const base = (context.log.known ?? newest).version
  const attempt = newAttemptId(step, base, environment.newToken())
  access.attempts.add(attempt)
  let note: string | undefined
  try {
    note = await noteWriter(context, attempt)
    const resumed = context.line.before(step)
    const start = { savedAt: began.toISOString(), order, resumed, replaces }
    const finite = request.requireFinite === true ? new FiniteRequirement() : undefined
    using chosen = context.sharing.begin()
    const reuse = await findReusable(context, newest, request, files, { attempt, order, chosen })
    const content = { ...request, finite, reuse }
    const { written, committed } = await writeAndCommit(context, access, attempt, files, content, start)
    context.line.add(written.entry)
    if (reuse !== undefined) context.manifests.add(written.manifest)
    // The checkpoint is durable, so the caller does not wait for the deletion of others.
    access.afterwards(async () => {
      await deleteDropped(context, committed)
      await access.tidyNowAndThen()
    })
    events.emit('saved', { step, bytes: written.entry.bytes })
    const dropped = [...madeRoom, ...committed.dropped]
    const judged = judgedNow(context, committed.catalog, committed.judgement)
    const duration = environment.now().getTime() - began.getTime()
    const saved = {
      ...describeSave(judged, written, dropped),
      unchangedBytes: reuse?.bytes ?? 0,
      duration,
      warnings: [...warnings, ...(finite?.warnings ?? [])],
    }
    reportMetrics(context, saved)
    reportUnscored(context, judged)
    reportClockDoubts(context, committed.catalog, storedAtOf(written.entry))
    return saved
  } finally {
    access.attempts.delete(attempt)
    await forgetWriter(context, note)
  }
}

async function writeAndCommit(
  context: StoreContext,
  access: SpaceAccess,
  attempt: AttemptId,
  files: SavePlan['files'],
  request: SaveRequest & AttemptContent,
  began: Began & { readonly replaces: AttemptId | 'nothing' },
): Promise<{ readonly written: WrittenAttempt; readonly committed: Committed }> {
  const { onExisting = 'fail', allowBest, signal } = request
  let mayBeWhole = false
  try {
    const stored = await writeFiles(context, attempt, files, request)
    // Without a manifest, no repair can list the attempt if this process dies after a rejection.
    await request.beforeCommit?.()
    mayBeWhole = true
    const timing = timingOf(context, began.savedAt)
    const written = await writeManifest(context.backend, attempt, stored, request, { ...began, timing })
    const entry = withClockJump(context, written.entry)
    const committed = await context.log.commit(
      { kind: 'save', entry, onExisting, allowBest, replaces: began.replaces },
      signal,
    )
    return { written, committed }
  } catch (failure) {
    throw await giveUp(context, access, { attempt, mayBeWhole }, failure)
  }
}

/** A clock that was set back gives no negative duration. */
function timingOf({ environment, line }: StoreContext, savedAt: string): Timing {
  const { restore } = line
  return {
    saving: Math.max(0, environment.now().getTime() - Date.parse(savedAt)),
    ...(restore === undefined ? {} : { restore: { ...restore, at: restore.at.toISOString() } }),
  }
}

function describeSave(
  judged: JudgedCatalog,
  { entry, manifest }: WrittenAttempt,
  dropped: Committed['dropped'],
): Omit<SaveResult, 'unchangedBytes' | 'warnings' | 'duration'> {
  const listed = judged.catalog.checkpoints.get(entry.step)
  return {
    ...judgedCheckpoint(judged, listed?.attempt === entry.attempt ? listed : entry),
    files: contentsOf(manifest).files,
    highestStep: highestStepOf(judged.catalog, entry.step),
    alreadySaved: false,
    dropped: dropped.map(({ step, because }) => ({ step, because })),
  }
}
