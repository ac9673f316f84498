import type { CheckpointStore } from '@holdfast/core'
import { Announcements } from './announcements.ts'
import type { Decision } from './decide.ts'
import { decideFor } from './decide-for.ts'
import { eligible } from './eligible.ts'
import type { WholeCheckpoint } from './inspect.ts'
import { readMetrics } from './metrics.ts'
import type { TrainersOrder } from './order.ts'
import type { StoredCheckpoint } from './stored.ts'
import type { WatchedFolder } from './watched-folder.ts'

/** A checkpoint, and what an adoption would do with it. */
export interface PlannedCheckpoint {
  readonly name: string
  readonly bytes: number
  readonly epoch: number | undefined
  readonly metrics: Readonly<Record<string, number>>
  readonly decision: Decision
}

export interface PlanOptions {
  readonly order: TrainersOrder
  readonly metricsFile?: string | undefined
  readonly signal?: AbortSignal | undefined
}

/** Returns what a scan would do with every complete checkpoint, ignoring quiet periods. Changes nothing. */
export async function planAdoption(
  store: CheckpointStore,
  folder: WatchedFolder,
  { order, metricsFile, signal }: PlanOptions,
): Promise<readonly PlannedCheckpoint[]> {
  const found = await folder.survey()
  if (found === undefined) return []
  const memory = await folder.memory()
  const table = await readMetrics(metricsFile)
  const listed = new Set((await store.list({ signal })).map(({ step }) => step))
  const planned = new Map<number, StoredCheckpoint>()
  const plans: PlannedCheckpoint[] = []
  for (const each of eligible(found, memory, order, new Announcements(undefined))) {
    const { candidate, snapshot } = each
    const facts = { name: candidate.name, bytes: snapshot.bytes }
    if (each.state === 'adopted') {
      const { step, digest } = each.known
      const decision = { do: 'remember', step, digest, isListed: listed.has(step) } as const
      plans.push({ ...facts, epoch: undefined, metrics: {}, decision })
      continue
    }
    const decision = await decideFor(each, { store, memory, planned, signal })
    if (decision.do === 'save') planned.set(decision.step, afterSave(decision.step, each))
    const step = decision.do === 'pass over' ? each.reading.step : decision.step
    plans.push({
      ...facts,
      epoch: each.reading.epoch,
      metrics: table.of(each, step, found.layout.name),
      decision,
    })
  }
  return plans
}

/** The content that a planned save will have stored. Its bytes never count as equal. */
function afterSave(step: number, { candidate, snapshot }: WholeCheckpoint): StoredCheckpoint {
  const modifiedAt = new Date(snapshot.modifiedAt).toISOString()
  return {
    step,
    digest: '',
    from: { name: candidate.name, modifiedAt },
    heldBecause: undefined,
    sizes: new Map(),
  }
}
