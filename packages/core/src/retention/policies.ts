import {
  Evaluations,
  isMetricObjective,
  type Objectives,
  partsOfObjective,
  ranking,
} from '../metrics/index.ts'
import { compareSaves } from '../order-key.ts'
import type { Candidate } from './checkpoint.ts'
import { agesOf, clocksOf, isInFuture, type Present } from './clocks.ts'
import { formatInterval } from '../input/duration.ts'
import type { RetentionPlan } from './options.ts'
import { own } from '../input/records.ts'

/** The facts that a decision is based on. `checkpoints` are in the order of their steps. */
export interface Situation extends Present {
  readonly checkpoints: readonly Candidate[]
  readonly objectives: Objectives
  readonly evaluations: ReadonlyMap<string, Evaluations>
  /** The best steps of each objective. */
  readonly best: ReadonlyMap<string, readonly number[]>
  /** The objectives that have no value yet. */
  readonly unscored?: readonly string[] | undefined
}

/** The result of one policy: the reasons for each step that it keeps, and the sentence for every other step. */
export interface Policy {
  readonly otherwise: string
  readonly keeps: ReadonlyMap<number, readonly string[]>
}

/** Applies each policy of a plan to a situation. A policy without a count, a tag or an interval is none. */
export function applyPolicies(plan: RetentionPlan, situation: Situation): readonly Policy[] {
  const { keepLast, keepEvery = {}, keepWithin, keepBest, keepTags, keepUnscored, keep } = plan
  const { unscored = [] } = situation
  const { steps, epochs, time } = keepEvery
  return [
    keepLast === undefined ? undefined : last(keepLast, situation),
    steps === undefined ? undefined : everyMultiple('step', steps, situation),
    epochs === undefined ? undefined : everyMultiple('epoch', epochs, situation),
    time === undefined ? undefined : onePerInterval(time, situation),
    keepWithin === undefined ? undefined : younger(keepWithin, situation),
    ...calendars.map(({ option, name, periodOf }) => {
      const periods = plan[option]
      return periods === undefined ? undefined : newestOfEach(name, periods, periodOf, situation)
    }),
    keepBest === undefined || Object.keys(keepBest).length === 0
      ? undefined
      : bestOfEach(keepBest, situation),
    keepTags === undefined || keepTags.length === 0 ? undefined : tagged(keepTags, situation),
    keepUnscored === undefined ? undefined : lacksMetric(keepUnscored, situation),
    keep === undefined ? undefined : chosenBy(keep, situation),
    unscored.length === 0 ? undefined : untilScored(unscored, situation),
  ].filter((policy) => policy !== undefined)
}

function last(count: number, { checkpoints }: Situation): Policy {
  const kept = checkpoints.toSorted(compareSaves).slice(-count)
  return { otherwise: `not among the last ${count}`, keeps: withReason(kept, `last ${count}`) }
}

/** Keeps the first checkpoint at or after each multiple, because a run may never save exactly at a multiple. */
function everyMultiple(unit: 'step' | 'epoch', interval: number, { checkpoints }: Situation): Policy {
  const firsts = new Map<number, Candidate>()
  for (const checkpoint of checkpoints) {
    const position = checkpoint[unit]
    if (position === undefined || (position > 0 && position < interval)) continue
    const multiple = Math.floor(position / interval)
    if (!firsts.has(multiple)) firsts.set(multiple, checkpoint)
  }
  const words = `every ${interval} ${unit}s`
  return { otherwise: `not one of ${words}`, keeps: withReason(firsts.values(), words) }
}

/** Intervals start at fixed times in UTC, so that a decision does not depend on earlier decisions. */
function onePerInterval(interval: number, situation: Situation): Policy {
  const words = `one per ${formatInterval(interval)}`
  return byEitherClock(situation, words, `not ${words}`, (timeOf, checkpoints) => {
    const firsts = new Map<number, Candidate>()
    for (const checkpoint of bySavingTime(checkpoints, timeOf)) {
      const place = Math.floor(timeOf(checkpoint) / interval)
      if (!firsts.has(place)) firsts.set(place, checkpoint)
    }
    return [...firsts.values()]
  })
}

function younger(limit: number, situation: Situation): Policy {
  const agesBy = agesOf(situation.checkpoints, situation)
  const kept = situation.checkpoints.filter((checkpoint) => agesBy(checkpoint).some((age) => age < limit))
  return {
    otherwise: `older than ${formatInterval(limit)}`,
    keeps: withReason(kept, `younger than ${formatInterval(limit)}`),
  }
}

/**
 * Returns the checkpoints that a policy by time keeps by either clock. A checkpoint dated in the future is kept, and
 * does not displace another one.
 */
function byEitherClock(
  situation: Situation,
  reason: string,
  otherwise: string,
  choose: (
    timeOf: (checkpoint: Candidate) => number,
    checkpoints: readonly Candidate[],
  ) => readonly Candidate[],
): Policy {
  const keeps = new Map<number, readonly string[]>()
  for (const clock of clocksOf(situation)) {
    const [dated, future] = partition(situation.checkpoints, (checkpoint) => !isInFuture(clock, checkpoint))
    for (const { step } of choose(clock.timeOf, dated)) keeps.set(step, [reason])
    for (const { step } of future) if (!keeps.has(step)) keeps.set(step, ['dated in the future'])
  }
  return { otherwise, keeps }
}

function partition<Item>(
  items: readonly Item[],
  belongs: (item: Item) => boolean,
): readonly [readonly Item[], readonly Item[]] {
  return [items.filter(belongs), items.filter((item) => !belongs(item))]
}

const hour = 3_600_000
const day = 24 * hour

/** Periods are counted in UTC, so that the decision is the same on every machine. */
const calendars = [
  { option: 'keepHourly', name: 'hourly', periodOf: (at: Date) => Math.floor(at.getTime() / hour) },
  { option: 'keepDaily', name: 'daily', periodOf: (at: Date) => Math.floor(at.getTime() / day) },
  { option: 'keepWeekly', name: 'weekly', periodOf: weekOf },
  {
    option: 'keepMonthly',
    name: 'monthly',
    periodOf: (at: Date) => at.getUTCFullYear() * 12 + at.getUTCMonth(),
  },
] as const

/** Weeks begin on Monday. Day 0 of the epoch was a Thursday. */
function weekOf(at: Date): number {
  return Math.floor((Math.floor(at.getTime() / day) + 3) / 7)
}

function newestOfEach(
  name: string,
  periods: number,
  periodOf: (at: Date) => number,
  situation: Situation,
): Policy {
  return byEitherClock(situation, name, `not the newest ${name}`, (timeOf, checkpoints) => {
    const newest = new Map<number, Candidate>()
    for (const checkpoint of checkpoints) {
      const period = periodOf(new Date(timeOf(checkpoint)))
      const other = newest.get(period)
      if (other === undefined || timeOf(checkpoint) >= timeOf(other)) newest.set(period, checkpoint)
    }
    const latest = [...newest].sort(([one], [other]) => one - other).slice(-periods)
    return latest.map(([, checkpoint]) => checkpoint)
  })
}

function bestOfEach(counts: Readonly<Record<string, number>>, situation: Situation): Policy {
  const keeps = new Map<number, readonly string[]>()
  const there = situation.checkpoints.map(({ step }) => step)
  for (const [name, count] of Object.entries(counts)) {
    for (const [place, step] of bestRanked(name, count, there, situation).entries()) {
      const reason = place === 0 ? `best ${name}` : `best ${count} ${name}`
      keeps.set(step, [...(keeps.get(step) ?? []), reason])
    }
  }
  return { otherwise: 'not best', keeps }
}

/**
 * Returns the best `count` steps, best first. The members of a Pareto front have no order, so the newest come first.
 */
function bestRanked(
  name: string,
  count: number,
  there: readonly number[],
  { objectives, evaluations, best }: Situation,
): readonly number[] {
  const objective = own(objectives, name)
  const leaders = (best.get(name) ?? []).toReversed()
  if (objective === undefined || 'pareto' in objective) return leaders.slice(0, count)
  const ranked = ranking(evaluations.get(name) ?? Evaluations.none, objective, count, there)
  return [...new Set([...leaders, ...ranked.map(({ step }) => step)])].slice(0, count)
}

function tagged(tags: readonly string[], { checkpoints }: Situation): Policy {
  const keeps = new Map<number, readonly string[]>()
  for (const checkpoint of checkpoints) {
    const reasons = tags.filter((tag) => checkpoint.tags.includes(tag)).map((tag) => `#${tag}`)
    if (reasons.length > 0) keeps.set(checkpoint.step, reasons)
  }
  return { otherwise: `not tagged`, keeps }
}

function lacksMetric(limit: number, situation: Situation): Policy {
  const { checkpoints, objectives } = situation
  const agesBy = agesOf(checkpoints, situation)
  const wanted = metricsOf(objectives)
  const keeps = new Map<number, readonly string[]>()
  for (const checkpoint of checkpoints) {
    const { step, metrics } = checkpoint
    const missing = wanted.filter((name) => own(metrics, name) === undefined)
    if (missing.length > 0 && agesBy(checkpoint).some((age) => age < limit))
      keeps.set(step, [`waits for ${missing.join(', ')}`])
  }
  return { otherwise: 'waits for no metric', keeps }
}

/** Keeps all checkpoints. Any of them may become the best when the metric is recorded, and its name may be misspelt. */
function untilScored(names: readonly string[], { checkpoints }: Situation): Policy {
  const reason = `no ${names.join(' and no ')} yet`
  return { otherwise: 'every objective has a value', keeps: withReason(checkpoints, reason) }
}

function metricsOf(objectives: Objectives): readonly string[] {
  const metrics = Object.values(objectives).flatMap((objective) => {
    if (isMetricObjective(objective)) return [objective.metric]
    return partsOfObjective(objective).flatMap((part) => {
      const other = own(objectives, part)
      return other !== undefined && isMetricObjective(other) ? [other.metric] : []
    })
  })
  return [...new Set(metrics)]
}

function chosenBy(keep: NonNullable<RetentionPlan['keep']>, { checkpoints }: Situation): Policy {
  const keeps = new Map<number, readonly string[]>()
  for (const { step, epoch, bytes, savedAt, tags, metrics } of checkpoints) {
    const reason = keep({ step, epoch, bytes, savedAt, tags, metrics })
    if (reason !== undefined) keeps.set(step, [reason])
  }
  return { otherwise: 'not chosen', keeps }
}

function bySavingTime(
  checkpoints: readonly Candidate[],
  timeOf: (checkpoint: Candidate) => number,
): readonly Candidate[] {
  return checkpoints.toSorted((one, other) => timeOf(one) - timeOf(other) || one.step - other.step)
}

function withReason(
  checkpoints: Iterable<Candidate>,
  reason: string,
): ReadonlyMap<number, readonly string[]> {
  const because = [reason]
  const keeps = new Map<number, readonly string[]>()
  for (const { step } of checkpoints) keeps.set(step, because)
  return keeps
}
