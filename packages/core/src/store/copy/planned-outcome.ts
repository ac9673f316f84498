import type { CopyOutcome } from './options.ts'
import type { PlannedCopy, WantedCopy } from './plan-copies.ts'

type WithoutFacts<Outcome> = Outcome extends CopyOutcome ? Omit<Outcome, 'step' | 'toStep' | 'bytes'> : never

export function outcomeOf({ entry, step }: WantedCopy, kind: WithoutFacts<CopyOutcome>): CopyOutcome {
  return { step: entry.step, toStep: step, bytes: entry.bytes, ...kind }
}

/** Returns what comes of a planned copy if nothing fails. */
export function plannedOutcome(planned: PlannedCopy): CopyOutcome {
  if (planned.kind === 'copy')
    return outcomeOf(planned, { kind: 'copied', bytesBefore: 0, duration: 0, dropped: [] })
  if (planned.kind === 'skipped') return outcomeOf(planned, { kind: 'skipped', because: planned.because })
  const { update } = planned
  if (update === undefined) return outcomeOf(planned, { kind: 'there' })
  const what = [
    ...(Object.keys(update.metrics).length > 0 ? (['metrics'] as const) : []),
    ...(update.order === undefined ? [] : (['order'] as const)),
    ...(update.pinned === undefined && update.unpinned === undefined ? [] : (['pin'] as const)),
  ]
  return outcomeOf(planned, { kind: 'updated', what })
}
