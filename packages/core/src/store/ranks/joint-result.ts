import {
  type AttemptId,
  type CatalogEntry,
  decodeManifest,
  type Drop,
  type Manifest,
  manifestKey,
  partsOfAttempt,
} from '../../catalog/documents/index.ts'
import { readIfThere } from '../../catalog/documents/read-document.ts'
import type { Committed } from '../../catalog/commit/catalog-log.ts'
import { contentsOf, judgedCheckpoint } from '../../catalog/judging/checkpoint.ts'
import type { PagedCatalog } from '../../catalog/pages/index.ts'
import { isHoldfastError } from '../../errors.ts'
import { verifiedManifest } from '../attempts/read-verified.ts'
import { reportClockDoubts } from '../context/clock-events.ts'
import { judgedNow } from '../context/judged-now.ts'
import { reportMetrics, reportUnscored } from '../context/metric-events.ts'
import { storedAtOf } from '../save/clocks.ts'
import { highestStepOf } from '../save/highest-step.ts'
import type { SaveResult } from '../save/result.ts'
import type { Member, ResumedMember } from './member.ts'
import type { AttemptProposal, Part } from './proposals.ts'

/** What a rank knows of a joint save that is committed. */
export interface JointlySaved {
  /** Its own part. */
  readonly part: Part
  readonly catalog: PagedCatalog
  /** What this rank committed, if it was this one. */
  readonly committed: Committed | undefined
  /** `undefined` if it cannot be read now. See `manifestOf`. */
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

/**
 * Returns the manifest of a committed attempt; `undefined` if it cannot be read now, such as after the checkpoint was dropped.
 * The save is committed all the same, and all that this rank knows of it is its own part.
 */
export async function manifestOf(
  { context: { backend } }: Member,
  attempt: AttemptId,
  { checkpoints }: PagedCatalog,
): Promise<Manifest | undefined> {
  const listed = checkpoints.get(partsOfAttempt(attempt).step)
  try {
    if (listed?.attempt === attempt) return await verifiedManifest(backend, listed, undefined)
    const bytes = await readIfThere(backend, manifestKey(attempt), undefined)
    return bytes && decodeManifest(bytes, attempt)
  } catch (error) {
    if (isHoldfastError(error)) return undefined
    throw error
  }
}
