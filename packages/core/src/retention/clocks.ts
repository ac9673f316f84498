import { compareSaves, latestOf } from '../order-key.ts'
import type { Candidate } from './checkpoint.ts'
import { formatAge } from '../input/duration.ts'
import type { RetentionPlan } from './options.ts'

/** The current time by the two clocks that date checkpoints. */
export interface Present {
  /** The time by the clock of this machine. */
  readonly now: Date
  /** The time by the clock of the store. Absent if nothing is about to be dropped. */
  readonly storeNow?: Date | undefined
}

/** A clock that may be wrong, with its current time and its time for each checkpoint. */
export interface Clock {
  readonly now: number
  readonly timeOf: (checkpoint: Candidate) => number
}

/** The largest difference between clocks in milliseconds that is not reported. */
const tolerance = 5 * 60_000

/** The factor by which a pause must exceed every earlier pause to count as a jump of the clock. */
const suspiciousRatio = 10

/**
 * Returns the clocks of the writers and of the store. A policy by time keeps a checkpoint if it keeps it by either
 * clock. So a checkpoint is dropped for its age only if both clocks agree.
 */
export function clocksOf({ now, storeNow = now }: Present): readonly Clock[] {
  return [
    { now: now.getTime(), timeOf: ({ savedAt }) => savedAt.getTime() },
    { now: storeNow.getTime(), timeOf: ({ storedAt, savedAt }) => (storedAt ?? savedAt).getTime() },
  ]
}

/** Returns whether a wrong clock has dated a checkpoint. */
export function isInFuture({ now, timeOf }: Clock, checkpoint: Candidate): boolean {
  return timeOf(checkpoint) - now > tolerance
}

/** Returns the age of a checkpoint in milliseconds by each clock. Jumps of the clock after its save do not count. */
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

/** Returns whether a plan drops checkpoints by age or time. */
export function usesTime(plan: RetentionPlan): boolean {
  const { keepEvery, keepWithin, keepUnscored, keepHourly, keepDaily, keepWeekly, keepMonthly } = plan
  return [keepEvery?.time, keepWithin, keepUnscored, keepHourly, keepDaily, keepWeekly, keepMonthly].some(
    (option) => option !== undefined,
  )
}

/**
 * Returns the milliseconds by which the clock seems to have jumped since the latest of these checkpoints, or 0. A pause
 * counts as a jump if all earlier checkpoints would expire at once, and if it is far longer than earlier pauses. After a rewind,
 * the last save is one of the `abandoned` checkpoints, and the jumps before them count again.
 */
export function jumpSince(
  plan: RetentionPlan,
  checkpoints: readonly Candidate[],
  abandoned: readonly Candidate[],
  present: Present,
): number {
  const limit = Math.min(plan.keepWithin ?? Infinity, plan.keepUnscored ?? Infinity)
  const bySaving = checkpoints.toSorted(compareSaves)
  if (bySaving.length === 0 || limit === Infinity) return 0
  return Math.min(
    ...clocksOf(present).map((clock) => {
      const { now, timeOf } = clock
      const times = [...bySaving.map(timeOf), now]
      const pauses = times.slice(1).map((time, index) => time - (times[index] ?? time))
      const sinceAbandoned = abandoned
        .filter((each) => !isInFuture(clock, each))
        .map((each) => now - timeOf(each))
      const last = Math.min(...pauses.slice(-1), ...sinceAbandoned)
      const longest = Math.max(0, ...pauses.slice(0, -1))
      // By time: a rewind gives the checkpoint to which it returns a later place in the order of saves.
      const latest = times.at(-2) ?? now
      const jumped = abandoned
        .filter((each) => timeOf(each) > latest)
        .reduce((sum, { clockJump }) => sum + clockJump, 0)
      return jumped + (last >= limit && last > longest * suspiciousRatio ? last : 0)
    }),
  )
}

/** Returns the reasons not to trust the times of checkpoints, one sentence each. */
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
