import {
  abandonedCheckpoints,
  type CheckpointDetails,
  contentsOf,
  type JudgedCheckpoint,
  judgedCheckpoint,
  type QuarantinedCheckpoint,
} from '../../catalog/judging/checkpoint.ts'
import type { CheckpointChoice } from '../../catalog/judging/choose.ts'
import type { JudgedCatalog } from '../../catalog/judging/judged-catalog.ts'
import { removedCheckpoint, type RemovedCheckpoint } from '../../catalog/judging/removed.ts'
import { hasRules } from '../../catalog/judging/recorded-keeping.ts'
import type { StoreContext } from '../context/context.ts'
import { judgedNow } from '../context/judged-now.ts'
import { findCheckpoint, findWithManifest } from './find.ts'

/** Returns the newest catalog with all its lines and its current judgement. */
export async function newestJudged(
  context: StoreContext,
  signal: AbortSignal | undefined,
): Promise<JudgedCatalog> {
  return judgedNow(context, await context.log.whole(signal))
}

/** Returns the best checkpoint of an objective; `undefined` if no checkpoint has its metric. */
export async function bestCheckpoint(
  context: StoreContext,
  objective: string | undefined,
  signal: AbortSignal | undefined,
): Promise<JudgedCheckpoint | undefined> {
  const choice = objective === undefined ? 'best' : (`best:${objective}` as const)
  const found = await findCheckpoint(context, choice, signal)
  return found === undefined ? undefined : judgedCheckpoint(found.judged, found.entry)
}

/** Returns a checkpoint with its files and metadata; `undefined` if it is not listed. */
export async function checkpointDetails(
  context: StoreContext,
  choice: CheckpointChoice,
  signal: AbortSignal | undefined,
): Promise<CheckpointDetails | undefined> {
  const found = await findWithManifest(context, choice, signal)
  if (found === undefined) return undefined
  const { entry, manifest } = found
  const judged = await withAllLines(context, found.judged, signal)
  return { ...judgedCheckpoint(judged, entry), ...contentsOf(manifest) }
}

/** Returns the checkpoints that rewinds abandoned. */
export async function abandonedNow(
  context: StoreContext,
  signal: AbortSignal | undefined,
): Promise<readonly JudgedCheckpoint[]> {
  return abandonedCheckpoints(await newestJudged(context, signal))
}

/** Returns the quarantined checkpoints. */
export async function quarantinedCheckpoints(
  { log }: StoreContext,
  signal: AbortSignal | undefined,
): Promise<readonly QuarantinedCheckpoint[]> {
  const { quarantined } = await log.newest(signal)
  return quarantined.map(({ entry, reason, at }) => ({ step: entry.step, reason, at: new Date(at) }))
}

/** Returns the checkpoints that an undo can list again, the earliest deleted first. */
export async function removedCheckpoints(
  { log }: StoreContext,
  signal: AbortSignal | undefined,
): Promise<readonly RemovedCheckpoint[]> {
  return ((await log.newest(signal)).removed ?? []).map(removedCheckpoint)
}

async function withAllLines(
  context: StoreContext,
  judged: JudgedCatalog,
  signal: AbortSignal | undefined,
): Promise<JudgedCatalog> {
  if (judged.isJudged || !hasRules(judged.keeping)) return judged
  return judgedNow(context, await context.log.wholeOf(judged.catalog, signal))
}
