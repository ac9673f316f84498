import type { AttemptId } from '../../catalog/documents/index.ts'
import type { CopyOptions, CopyOutcome } from '../copy/options.ts'
import { plannedOutcome } from '../copy/planned-outcome.ts'
import type { MirrorPlan } from './plan.ts'

/** The outcomes of a copy. Each checkpoint is reported once. */
export class OutcomeReport {
  readonly outcomes: CopyOutcome[] = []
  readonly #attempts = new Set<AttemptId>()
  readonly #onOutcome: CopyOptions['onOutcome']

  constructor({ onOutcome }: Pick<CopyOptions, 'onOutcome'>) {
    this.#onOutcome = onOutcome
  }

  add(outcome: CopyOutcome, attempt: AttemptId): void {
    if (this.#attempts.has(attempt)) return
    this.#attempts.add(attempt)
    this.outcomes.push(outcome)
    this.#onOutcome?.(outcome)
  }

  /** Adds what a plan decides about checkpoints that are not reported yet: about all, or about the mirrored ones. */
  addPlan({ decisions }: MirrorPlan, which: 'all' | 'there'): void {
    for (const each of decisions)
      if (which === 'all' || each.kind === 'there') this.add(plannedOutcome(each), each.entry.attempt)
  }
}
