import { HoldfastError } from '../../errors.ts'
import type { Objectives } from '../../metrics/index.ts'

/** The error for the name of an objective that is neither defined nor recorded. */
export function unknownObjective(name: string, objectives: Objectives): HoldfastError {
  const known = Object.keys(objectives)
  return new HoldfastError(
    'INVALID_ARGUMENT',
    `There is no objective ${JSON.stringify(name)}. Known: ${known.join(', ') || 'none'}.`,
    known.length === 0 ? { hint: { kind: 'define-objective' } } : {},
  )
}
