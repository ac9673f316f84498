import { compareSaves, latestOf } from '../order-key.ts'
import type { Candidate } from './checkpoint.ts'
import { formatAge } from './duration.ts'
import type { RetentionPlan } from './options.ts'

/** The present time by the two clocks that date checkpoints. */
export interface Present {
  /** By the clock of this machine. */
  readonly now: Date
  /** By the store's own clock; absent if nothing is about to be dropped. */
  readonly storeNow?: Date | undefined
}

/** A clock that may be wrong, with its time of the present and of each checkpoint. */
export interface Clock {
  readonly now: number
  readonly timeOf: (checkpoint: Candidate) => number
}

/** Difference of clocks that raises no doubt, in milliseconds. */
const tolerance = 5 * 60_000

/** Minimum ratio of a pause to every earlier pause for it to count as a jump of the clock. */
const suspiciousRatio = 10

/**
 * The clocks of the writers and of the store. A policy by time keeps a checkpoint that it keeps by either clock. So a
 * checkpoint is dropped by its age only if both clocks agree.
 */
export function clocksOf({ now, storeNow = now }: Present): readonly Clock[] {
  return [
    { now: now.getTime(), timeOf: ({ savedAt }) => savedAt.getTime() },
    { now: storeNow.getTime(), timeOf: ({ storedAt, savedAt }) => (storedAt ?? savedAt).getTime() },
  ]
}

/** Whether a wrong clock has dated a checkpoint. */
export function isInFuture({ now, timeOf }: Clock, checkpoint: Candidate): boolean {
  return timeOf(checkpoint) - now > tolerance
}

/** The age of a checkpoint by each clock, in milliseconds, without the time that a clock jumped over after its save. */
export function agesOf(
  checkpoints: readonly Candidate[],
  present: Present,
): (checkpoint: Candidate) => readonly number[] {
  const clocks = clocksOf(present)
  const jumps = checkpoints.filter(({ clockJump }) => clockJump > 0)
  return (checkpoint) => {
    const jumped = jumps
      .filter((jump) => compareSaves(jump, checkpoint) > 0)
      .reduce((sum, { clockJump }) => sum + clockJump, 0)
    return clocks.map(({ now, timeOf }) => now - timeOf(checkpoint) - jumped)
  }
}

/** Whether a plan drops by age or time. */
export function usesTime(plan: RetentionPlan): boolean {
  const { keepEvery, keepWithin, keepUnscored, keepHourly, keepDaily, keepWeekly, keepMonthly } = plan
  return [keepEvery?.time, keepWithin, keepUnscored, keepHourly, keepDaily, keepWeekly, keepMonthly].some(
    (option) => option !== undefined,
  )
}

/**
 * Milliseconds by which the clock seems to have jumped since the latest of some checkpoints; 0 if it has not. The pause
 * must age out everything before it at once, and be far longer than every pause before.
 */
export function jumpSince(plan: RetentionPlan, checkpoints: readonly Candidate[], present: Present): number {
  const limit = Math.min(plan.keepWithin ?? Infinity, plan.keepUnscored ?? Infinity)
  const bySaving = checkpoints.toSorted(compareSaves)
  if (bySaving.length === 0 || limit === Infinity) return 0
  return Math.min(
    ...clocksOf(present).map(({ now, timeOf }) => {
      const times = [...bySaving.map(timeOf), now]
      const pauses = times.slice(1).map((time, index) => time - (times[index] ?? time))
      const [last = 0] = pauses.slice(-1)
      const longest = Math.max(0, ...pauses.slice(0, -1))
      return last >= limit && last > longest * suspiciousRatio ? last : 0
    }),
  )
}

/** Why the times of some checkpoints are not trusted, each as a sentence. */
export function clockDoubts(checkpoints: readonly Candidate[], present: Present): readonly string[] {
  const { now, storeNow = now } = present
  const ahead = now.getTime() - storeNow.getTime()
  const future = checkpoints.filter((checkpoint) =>
    clocksOf(present).some((clock) => isInFuture(clock, checkpoint)),
  )
  const latestJump = latestOf(checkpoints.filter(({ clockJump }) => clockJump > 0))
  return [
    ...(Math.abs(ahead) > tolerance
      ? [
          `The clock of this machine is ${formatAge(Math.abs(ahead))} ${ahead > 0 ? 'ahead of' : 'behind'} the store's.`,
        ]
      : []),
    ...(future.length > 0
      ? [
          `${future.length === 1 ? 'Step' : 'Steps'} ${namesOf(future)} ${future.length === 1 ? 'is' : 'are'} dated in the future.`,
        ]
      : []),
    ...(latestJump === undefined
      ? []
      : [
          `The clock seems to have jumped by ${formatAge(latestJump.clockJump)} before step ${latestJump.step}.`,
        ]),
  ]
}

function namesOf(checkpoints: readonly Candidate[]): string {
  const named = checkpoints.slice(0, 3).map(({ step }) => step)
  const others = checkpoints.length - named.length
  return others > 0 ? `${named.join(', ')} and ${others} more` : named.join(', ')
}
