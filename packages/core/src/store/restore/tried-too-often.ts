import type { AttemptId } from '../../catalog/documents/index.ts'
import type { PagedCatalog } from '../../catalog/pages/index.ts'
import type { PassedOver } from './result.ts'

/** A checkpoint that was restored as often as `maxTries` allows. */
export interface TriedTooOften {
  readonly step: number
  readonly tries: number
}

export function triedTooOften({ step, tries }: TriedTooOften): PassedOver {
  const reason = `it was restored ${tries === 1 ? 'once' : `${tries} times`} without a later save`
  return { step, reason, quarantined: { kind: 'not recorded', because: 'it is not corrupt' }, tries }
}

/** Returns how often a checkpoint was restored without a later save, by a version of the catalog. */
export function triesIn({ tries = [] }: PagedCatalog, attempt: AttemptId): number {
  return tries.find((each) => each.attempt === attempt)?.count ?? 0
}
