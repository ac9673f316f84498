import type { Candidate } from './checkpoint.ts'
import type { RetentionPlan } from './options.ts'
import { applyPolicies, type Situation } from './policies.ts'

/**
 * Returns why checkpoints that a rewind abandoned stay. Only a pin, a tag, an objective of which one is the best, `keepBest` and
 * `keepEvery` keep it; the others go with the next save. `situation` has the listed checkpoints and those abandoned ones whose
 * steps were not saved again. Once its step was saved again, only a pin or a tag keeps an abandoned checkpoint.
 */
export function abandonedReasons(
  { keepEvery, keepBest, keepTags = [] }: RetentionPlan,
  situation: Situation,
  abandoned: readonly Candidate[],
): ReadonlyMap<Candidate, readonly string[]> {
  const withFreeStep = new Set(situation.checkpoints)
  const policies = applyPolicies({ keepEvery, keepBest }, { ...situation, unscored: [] })
  return new Map(
    abandoned.map((candidate) => {
      const { step, tags, pinned, inUse } = candidate
      const byStep = [
        ...policies.flatMap(({ keeps }) => keeps.get(step) ?? []),
        ...[...situation.best].flatMap(([name, steps]) => (steps.includes(step) ? [`best ${name}`] : [])),
      ]
      const reasons = [
        ...(withFreeStep.has(candidate) ? byStep : []),
        ...keepTags.filter((tag) => tags.includes(tag)).map((tag) => `#${tag}`),
        ...[pinned, inUse].filter((reason) => reason !== undefined),
      ]
      return [candidate, [...new Set(reasons)]]
    }),
  )
}
