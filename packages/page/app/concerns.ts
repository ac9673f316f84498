import type { PageRun } from '../src/runs-page.ts'

/** What the table marks about a run. */
export const concerns = [
  'damaged',
  'newer version',
  'no catalog',
  'quarantined',
  'stale',
  'never pruned',
] as const
export type Concern = (typeof concerns)[number]

/** Milliseconds without a save after which a run is stale. */
const staleAfter = 7 * 86_400_000

/** Whether a run needs attention. A run without a catalog usually is one whose first save is under way. */
export function needsAttention(run: PageRun, now: number): boolean {
  return concernsOf(run, now).some((concern) => concern !== 'no catalog')
}

/** Returns what the table points out about a run. */
export function concernsOf(run: PageRun, now: number): readonly Concern[] {
  if (run.state === 'unsupported') return ['newer version']
  if (run.state !== 'readable') return [run.state]
  const { quarantined, latest, isNeverPruned } = run
  return [
    ...(quarantined > 0 ? (['quarantined'] as const) : []),
    ...(latest !== undefined && now - latest.savedAt > staleAfter ? (['stale'] as const) : []),
    ...(isNeverPruned ? (['never pruned'] as const) : []),
  ]
}
