import type { JudgedCheckpoint } from '@holdfast/core'

type Candidate = Pick<JudgedCheckpoint, 'step' | 'bytes' | 'savedAt' | 'isLatest' | 'pinned' | 'bestOf'>

/** A checkpoint to drop, and the run that has it. */
export interface BudgetDrop<Run> {
  readonly run: Run
  readonly step: number
  readonly bytes: number
}

export interface BudgetPlan<Run> {
  readonly drops: readonly BudgetDrop<Run>[]
  /** The size of all runs after the drops. It is above the budget if too many checkpoints are protected. */
  readonly bytes: number
}

/**
 * Plans what to drop so that all runs together have at most `budget` bytes: the oldest first, whatever the run. The latest,
 * pinned and best checkpoints of each run stay.
 */
export function planBudget<Run>(
  runs: readonly { readonly run: Run; readonly checkpoints: readonly Candidate[] }[],
  budget: number,
): BudgetPlan<Run> {
  const all = runs.flatMap(({ run, checkpoints }) => checkpoints.map((checkpoint) => ({ run, checkpoint })))
  let bytes = all.reduce((sum, { checkpoint }) => sum + checkpoint.bytes, 0)
  const drops: BudgetDrop<Run>[] = []
  const oldestFirst = all
    .filter(({ checkpoint }) => mayGo(checkpoint))
    .sort((one, other) => one.checkpoint.savedAt.getTime() - other.checkpoint.savedAt.getTime())
  for (const { run, checkpoint } of oldestFirst) {
    if (bytes <= budget) break
    drops.push({ run, step: checkpoint.step, bytes: checkpoint.bytes })
    bytes -= checkpoint.bytes
  }
  return { drops, bytes }
}

function mayGo({ isLatest, pinned, bestOf }: Candidate): boolean {
  return !isLatest && pinned === undefined && bestOf.length === 0
}
