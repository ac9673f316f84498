import { type EarlyResult, overlapping } from '../../async/overlapping.ts'
import { durationSince } from '../../environment.ts'
import { throwIfAborted } from '../../errors.ts'
import { contentsOf, judgedCheckpoint } from '../../catalog/judging/checkpoint.ts'
import { ownSegment } from '../../catalog/commit/segments.ts'
import type { Committed } from '../../catalog/commit/catalog-log.ts'
import type { StoreContext } from '../context/context.ts'
import {
  type AttemptId,
  type ManifestFile,
  newAttemptId,
  type Timing,
} from '../../catalog/documents/index.ts'
import { deleteDropped } from '../attempts/delete-dropped.ts'
import { reportClockDoubts } from '../context/clock-events.ts'
import { judgedNow } from '../context/judged-now.ts'
import { reportMetrics, reportUnscored } from '../context/metric-events.ts'
import { storedAtOf, withClockJump } from './clocks.ts'
import { effortOf } from './effort.ts'
import { giveUp } from './give-up.ts'
import { highestStepOf } from './highest-step.ts'
import type { PagedCatalog } from '../../catalog/pages/index.ts'
import type { SavePlan } from './plan.ts'
import { prepareContent, type SaveContent } from './prepare-content.ts'
import type { DecidedSave } from './decided-save.ts'
import type { SaveResult } from './result.ts'
import type { SpaceAccess } from './space/access.ts'
import { makeRoomForSave } from './space/make-room.ts'
import { forgetWriter, noteWriter } from '../attempts/writer-notes.ts'
import {
  type AttemptStart,
  type WrittenAttempt,
  writeFiles,
  writeManifest,
} from '../attempts/write-attempt.ts'

/**
 * Saves planned files: checks space, writes the files and the manifest, commits, and cleans up. `newest` is the newest known
 * version when the save begins. `replaces` is the attempt that the step had then.
 */
export async function saveCheckpoint(
  context: StoreContext,
  newest: PagedCatalog,
  access: SpaceAccess,
  request: DecidedSave,
  plan: SavePlan,
  replaces: AttemptId | 'nothing',
): Promise<SaveResult> {
  const { backend, environment } = context
  const began = environment.now()
  const { step, signal } = request
  const { files } = plan
  const order = { segment: ownSegment(newest), base: newest.version }
  throwIfAborted(signal, `The save of step ${step}`, { url: backend.url })
  const madeRoom = await makeRoomForSave(context, access, request, files, newest)
  // Read in the same turn in which the attempt is registered, so that this process cannot raise the floor in between.
  const base = (context.log.known ?? newest).version
  const attempt = newAttemptId(step, base, environment.newToken())
  access.attempts.add(attempt)
  let note: string | undefined
  try {
    note = await noteWriter(context, attempt)
    const resumed = context.line.before(step)
    const start = { savedAt: began.toISOString(), order, resumed, replaces }
    using chosen = context.sharing.begin()
    const content = await prepareContent(context, newest, request, files, { attempt, order, chosen })
    const { written, committed } = await writeAndCommit(context, access, attempt, files, content, start)
    context.line.add(written.entry)
    if (content.reuse !== undefined) context.manifests.add(written.manifest)
    // The checkpoint is durable, so the caller does not wait for the deletion of others.
    access.afterwards(async () => {
      await deleteDropped(context, committed)
      await access.tidyNowAndThen()
    })
    return reported(context, written, committed, {
      dropped: [...madeRoom, ...committed.dropped],
      ...effortOf(context, content, plan, began),
    })
  } finally {
    access.attempts.delete(attempt)
    await forgetWriter(context, note)
  }
}

/**
 * Each object may be written while the objects before it become durable, but becomes visible only after that. So no crash leaves
 * a manifest without its files, or a version of the catalog without its manifest.
 */
async function writeAndCommit(
  context: StoreContext,
  access: SpaceAccess,
  attempt: AttemptId,
  files: SavePlan['files'],
  content: SaveContent,
  start: AttemptStart & { readonly replaces: AttemptId | 'nothing' },
): Promise<{ readonly written: WrittenAttempt; readonly committed: Committed }> {
  const { onExisting, allowBest, signal } = content
  let mayBeWhole = false
  const storeManifest = (
    stored: EarlyResult<readonly ManifestFile[]>,
    onVisible: (written: WrittenAttempt) => void,
  ) =>
    writeManifest(
      context.backend,
      attempt,
      stored.result,
      content,
      { ...start, timing: timingOf(context, start.savedAt) },
      {
        beforeVisible: async () => {
          await stored.ended
          mayBeWhole = true
        },
        onVisible,
      },
    )
  try {
    return await overlapping(async (begin) => {
      const stored = await begin<readonly ManifestFile[]>((onVisible) =>
        writeFiles(context, attempt, files, content, { onVisible }),
      )
      if (content.beforeCommit !== undefined) {
        await stored.ended
        // Without a manifest, no repair can list the attempt if this process dies after a rejection.
        await content.beforeCommit()
      }
      const manifest = await begin<WrittenAttempt>((onVisible) => storeManifest(stored, onVisible))
      const written = manifest.result
      const entry = withClockJump(context, written.entry)
      const committed = await context.log.commit(
        { kind: 'save', entry, onExisting, allowBest, replaces: start.replaces },
        signal,
        async () => {
          await manifest.ended
        },
      )
      return { written, committed }
    })
  } catch (failure) {
    throw await giveUp(context, access, { attempt, mayBeWhole }, failure)
  }
}

function timingOf({ environment, line }: StoreContext, savedAt: string): Timing {
  const { restore } = line
  return {
    saving: durationSince(environment, new Date(savedAt)),
    ...(restore === undefined ? {} : { restore: { ...restore, at: restore.at.toISOString() } }),
  }
}

/** Emits the events of a committed save, and returns its result. */
function reported(
  context: StoreContext,
  { entry, manifest }: WrittenAttempt,
  { catalog, judgement }: Committed,
  { dropped, ...effort }: Pick<SaveResult, 'dropped' | 'unchangedBytes' | 'duration' | 'warnings'>,
): SaveResult {
  const { step, attempt, bytes } = entry
  const judged = judgedNow(context, catalog, judgement)
  const listed = catalog.checkpoints.get(step)
  const saved = {
    ...judgedCheckpoint(judged, listed?.attempt === attempt ? listed : entry),
    files: contentsOf(manifest).files,
    highestStep: highestStepOf(catalog, step),
    alreadySaved: false,
    dropped: dropped.map((drop) => ({ step: drop.step, because: drop.because })),
    ...effort,
  }
  context.events.emit('saved', { step, bytes })
  reportMetrics(context, saved)
  reportUnscored(context, judged)
  reportClockDoubts(context, catalog, storedAtOf(entry))
  return saved
}
