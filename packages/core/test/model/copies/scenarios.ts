import { product } from './protocol.ts'
import { catalogWith, copierSteps } from './steps.ts'
import type { State } from './world.ts'

export interface Scenario {
  readonly name: string
  readonly initial: State
}

/** A source with one checkpoint, and two processes that copy it. */
function beginning(left: Partial<State['left']>): State {
  return {
    source: 'X',
    // With a checkpoint of another step, since the only one is never deleted.
    catalog: catalogWith(2),
    agreements: {},
    data: {},
    copiers: [{ at: 'begin' }, { at: 'begin' }],
    left: { takeovers: 0, deletions: 0, others: 0, refusals: 0, ...left },
    ghost: { acknowledged: [], dropped: [], discarded: [] },
  }
}

/** Lets each copier go on until it is about to commit. */
function aboutToCommit(state: State): State {
  let current = state
  for (const index of state.copiers.keys())
    while (current.copiers[index]?.at !== 'commit') {
      const [step] = copierSteps(current, index, product)
      if (step === undefined) throw new Error('A copier cannot go on')
      current = step.next
    }
  return current
}

const deleting = { deletions: 1, others: 2 }

/** Two copiers of one checkpoint, beside a sweep and a source that replaces its checkpoint. The smallest is the first. */
export const scenarios: readonly Scenario[] = [
  {
    name: 'two that are about to commit, one that deletes the copy, and other commits',
    initial: aboutToCommit(beginning(deleting)),
  },
  {
    name: 'two that are about to commit, one of which is refused',
    initial: aboutToCommit(beginning({ refusals: 1, others: 1 })),
  },
  { name: 'one that is refused, and another commit', initial: beginning({ refusals: 1, others: 1 }) },
  { name: 'one that takes over', initial: beginning({ takeovers: 1 }) },
  { name: 'one that deletes the copy, and other commits', initial: beginning(deleting) },
]
