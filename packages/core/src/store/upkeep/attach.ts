import { storedMetrics } from '../../catalog/documents/index.ts'
import { judgedCheckpoint, type JudgedCheckpoint } from '../../catalog/judging/checkpoint.ts'
import { deleteDropped } from '../attempts/delete-dropped.ts'
import type { StoreContext } from '../context/context.ts'
import { judgedNow } from '../context/judged-now.ts'
import { reportMetrics, reportUnscored } from '../context/metric-events.ts'
import type { ChangeWriter } from './change-writer.ts'
import type { WriteAccess } from './write-access.ts'

/** The result of adding metrics to a checkpoint. */
export interface AttachResult {
  /** The checkpoint after the commit. `undefined` if the same commit dropped it. */
  readonly checkpoint: JudgedCheckpoint | undefined
  /** The checkpoints that the commit dropped, with reasons. */
  readonly dropped: readonly { readonly step: number; readonly because: string }[]
}

/** Adds metrics to a listed checkpoint, and applies the recorded retention in the same commit. */
export async function attachMetrics(
  context: StoreContext,
  writer: ChangeWriter,
  access: WriteAccess,
  step: number,
  metrics: Readonly<Record<string, number>>,
  signal: AbortSignal | undefined,
): Promise<AttachResult> {
  const storeNow = await writer.timeForRetention(signal)
  const change = { kind: 'attach', step, metrics: storedMetrics(metrics), storeNow } as const
  const committed = await writer.write(change, signal)
  access.afterwards(() => deleteDropped(context, committed))
  const { catalog, dropped, judgement } = committed
  const judged = judgedNow(context, catalog, judgement)
  const entry = catalog.checkpoints.get(step)
  const checkpoint = entry === undefined ? undefined : judgedCheckpoint(judged, entry)
  if (checkpoint !== undefined) reportMetrics(context, checkpoint)
  reportUnscored(context, judged)
  return { checkpoint, dropped: dropped.map((drop) => ({ step: drop.step, because: drop.because })) }
}
