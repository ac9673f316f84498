import type { Random } from '../random.ts'
import type { JobOracle } from './oracle.ts'

/** What the processes of one start of the job do together. */
export interface Plan {
  /** The step to which they go back before they restore. */
  readonly rewindTo?: number | undefined
  readonly maxTries?: number | undefined
  /** How often a process prunes before a save. */
  readonly prune?: number | undefined
  readonly keepLast?: number | undefined
  /** Whether each save is a process of its own, and shares the membership of the rank in a file. */
  readonly savesByCommands?: boolean | undefined
  /** Whether a process begins a save before the one before it is done. */
  readonly savesAtOnce?: boolean | undefined
  /** Default: `replace`. */
  readonly onExisting?: 'fail' | undefined
  /** How often a process repeats a save, with the same bytes or with others. */
  readonly repeat?: number | undefined
}

/** All ranks of a start have one plan. A rank that starts alone has none. */
export function somePlan({ truth }: JobOracle, random: Random): Plan {
  const steps = truth?.checkpoints.map(({ step }) => step) ?? []
  const savesByCommands = random.chance(0.25)
  const savesAtOnce = !savesByCommands && random.chance(0.3)
  const keepLast = random.chance(0.3) ? 1 + random.below(3) : undefined
  return {
    rewindTo: random.chance(0.2) ? steps[random.below(Math.max(1, steps.length))] : undefined,
    maxTries: random.chance(0.3) ? 1 + random.below(3) : undefined,
    // A prune before one of several saves would change their order.
    prune: !savesAtOnce && random.chance(0.5) ? 0.3 : undefined,
    keepLast,
    savesByCommands,
    savesAtOnce,
    onExisting: random.chance(0.5) ? 'fail' : undefined,
    repeat: random.chance(0.3) ? 0.3 : undefined,
  }
}

/** The ranks of a job that never have files. Rank 0 always has. */
export function someWithoutFiles(random: Random, size: number): ReadonlySet<number> {
  const isNone = random.chance(0.6)
  const ranks = Array.from({ length: size - 1 }, (_, rank) => rank + 1)
  return new Set(ranks.filter(() => !isNone && random.chance(0.4)))
}
