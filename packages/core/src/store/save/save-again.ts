import { contentsOf, judgedCheckpoint } from '../../catalog/judging/checkpoint.ts'
import { ownSegment } from '../../catalog/commit/segments.ts'
import { type CatalogEntry, type Manifest, storedMetrics } from '../../catalog/documents/index.ts'
import type { PagedCatalog } from '../../catalog/pages/index.ts'
import { durationSince } from '../../environment.ts'
import { deleteDropped } from '../attempts/delete-dropped.ts'
import type { StoreContext } from '../context/context.ts'
import { judgedNow } from '../context/judged-now.ts'
import { reportMetrics } from '../context/metric-events.ts'
import { highestStepOf } from './highest-step.ts'
import type { SaveRequest } from './request.ts'
import type { SaveResult } from './result.ts'
import type { SpaceAccess } from './space/access.ts'

/**
 * Ends a save whose bytes are saved already. Adds its metrics, and makes the checkpoint the latest if the run has gone back
 * since. Writes nothing if neither is new.
 */
export async function saveAgain(
  context: StoreContext,
  newest: PagedCatalog,
  access: SpaceAccess,
  request: SaveRequest,
  { entry, manifest }: { readonly entry: CatalogEntry; readonly manifest: Manifest },
): Promise<SaveResult> {
  const { environment } = context
  const began = environment.now()
  const { step, signal } = request
  const metrics = storedMetrics(request.metrics ?? {})
  const hasNewMetrics = Object.entries(metrics).some(([name, value]) => entry.metrics[name] !== value)
  const order =
    request.keepsOrder !== true && hasGoneBack(context, newest, entry)
      ? { segment: ownSegment(newest), base: newest.version }
      : undefined
  let judged = judgedNow(context, newest)
  let dropped: SaveResult['dropped'] = []
  if (hasNewMetrics || order !== undefined) {
    const change = { kind: 'save again', step, attempt: entry.attempt, metrics, order } as const
    const committed = await context.log.commit(change, signal)
    access.afterwards(() => deleteDropped(context, committed))
    judged = judgedNow(context, committed.catalog, committed.judgement)
    dropped = committed.dropped.map((drop) => ({ step: drop.step, because: drop.because }))
  }
  context.line.add(entry)
  const listed = judged.catalog.checkpoints.get(step) ?? entry
  const saved = {
    ...judgedCheckpoint(judged, listed),
    ...(listed.committedBy === undefined ? {} : { committedBy: listed.committedBy }),
    files: contentsOf(manifest).files,
    highestStep: highestStepOf(judged.catalog, step),
    alreadySaved: true,
    unchangedBytes: listed.bytes,
    dropped,
    warnings: [],
    duration: durationSince(environment, began),
  }
  if (hasNewMetrics) reportMetrics(context, saved)
  return saved
}

/** Whether the run went back to a lower step after it had saved a checkpoint, as far as this process or the store shows it. */
function hasGoneBack({ line }: StoreContext, { latest }: PagedCatalog, entry: CatalogEntry): boolean {
  if (latest === undefined || latest.attempt === entry.attempt) return false
  return latest.step < entry.step || (line.last !== undefined && line.last !== entry.attempt)
}
