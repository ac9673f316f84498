import type { PagedCatalog } from '../../catalog/pages/index.ts'

/** Returns the highest listed step, and at least this one. */
export function highestStepOf({ checkpoints }: PagedCatalog, step: number): number {
  return Math.max(step, checkpoints.lastPaged, checkpoints.recent.at(-1)?.step ?? step)
}
