import { type CatalogEntry, type Drop, type Manifest, partsOfAttempt } from '../../catalog/documents/index.ts'
import type { Committed } from '../../catalog/commit/catalog-log.ts'
import { contentsOf, judgedCheckpoint } from '../../catalog/judging/checkpoint.ts'
import type { PagedCatalog } from '../../catalog/pages/index.ts'
import { reportClockDoubts } from '../context/clock-events.ts'
import { judgedNow } from '../context/judged-now.ts'
import { reportMetrics, reportUnscored } from '../context/metric-events.ts'
import { storedAtOf } from '../save/clocks.ts'
import { highestStepOf } from '../save/highest-step.ts'
import type { SaveResult } from '../save/result.ts'
import type { ResumedMember } from './member.ts'
import type { AttemptProposal, Part } from './proposals.ts'

/** What a rank knows of a joint save that is committed. */
export interface JointlySaved {
  /** Its own part. */
  readonly part: Part
  readonly catalog: PagedCatalog
  /** What this rank committed, if it was this one. */
  readonly committed: Committed | undefined
  /** `undefined` if it cannot be read now. See `committedManifest`. */
  readonly manifest: Manifest | undefined
  /** What this rank dropped to make room. */
  readonly madeRoom: readonly Drop[]
}

/** Describes the whole checkpoint that a rank took part in saving, and reports it as events. */
export function resultOf(
  member: ResumedMember,
  { attempt, order, savedAt }: AttemptProposal,
  { part, catalog, committed, manifest, madeRoom }: JointlySaved,
): Omit<SaveResult, 'ranks' | 'unchangedBytes' | 'warnings' | 'duration'> {
  const { context } = member
  const { step } = partsOfAttempt(attempt)
  const judged = judgedNow(context, catalog, committed?.judgement)
  const listed = catalog.checkpoints.get(step)
  const isListed = listed?.attempt === attempt
  const { files } = manifest ?? part
  const entry: CatalogEntry = isListed
    ? listed
    : {
        step,
        attempt,
        order,
        savedAt,
        manifest: { sha256: '', size: 0 },
        fileCount: files.length,
        bytes: files.reduce((sum, { size }) => sum + size, 0),
        metrics: (manifest ?? part).metrics,
        tags: (manifest ?? part).tags,
      }
  const saved = {
    ...judgedCheckpoint(judged, entry),
    ...(entry.committedBy === undefined ? {} : { committedBy: entry.committedBy }),
    files: contentsOf({ attempt, files }).files,
    highestStep: highestStepOf(catalog, step),
    alreadySaved: false,
    dropped: [...madeRoom, ...(committed?.dropped ?? [])].map(({ step: gone, because }) => ({
      step: gone,
      because,
    })),
  }
  context.events.emit('saved', { step, bytes: entry.bytes })
  reportMetrics(context, saved)
  if (committed !== undefined) {
    reportUnscored(context, judged)
    reportClockDoubts(context, catalog, storedAtOf(entry))
  }
  return saved
}
