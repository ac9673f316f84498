import { Evaluations } from './evaluations.ts'
import { GrowingNumbers } from './growing-numbers.ts'
import { Lineage } from './lineage.ts'
import type { MetricObjective } from './objective.ts'
import { Smoother } from './smoothing.ts'
import { compareOrders, type OrderKey } from '../order-key.ts'

/** The metrics of one step, even if its checkpoint no longer exists. */
export interface MetricRecord {
  readonly step: number
  /** A value that JSON cannot represent, such as NaN, is a string. */
  readonly metrics: Readonly<Record<string, number | string>>
  /**
   * The order key of the save. Records with equal keys were recorded in the order of their steps. Default: the lowest
   * key.
   */
  readonly order?: OrderKey | undefined
  /** Whether a rewind abandoned the save. */
  readonly abandoned?: boolean | undefined
}

const earliest: OrderKey = { segment: 0, base: 0 }

/**
 * A history of metrics in the order of steps, divided into segments. A segment is immutable, so several histories can
 * share it.
 */
export type History = readonly (readonly MetricRecord[])[]

/** The options of an objective that affect how it reads its metric. */
type Reading = Pick<MetricObjective, 'metric' | 'direction' | 'smoothing'>

/** The last series of a history, by its first segment and then by the options of the reading. */
const known = new WeakMap<readonly MetricRecord[], Map<string, Series>>()

/**
 * Evaluates a history by an objective, without its warm-up. If the history continues one that was evaluated before,
 * reads only the new records. So the cost of one more step does not depend on the length of the run.
 */
export function evaluateSeries(history: History, { metric, direction, smoothing }: Reading): Evaluations {
  const [oldest, ...others] = history
  const reading = { metric, direction, smoothing }
  if (oldest === undefined || others.length === 0) return new Series(reading, history).evaluations()
  const ofOldest = known.get(oldest) ?? new Map<string, Series>()
  known.set(oldest, ofOldest)
  const name = JSON.stringify(reading)
  const before = ofOldest.get(name)
  if (before?.goOn(history) === true) return before.evaluations()
  const series = new Series(reading, history)
  ofOldest.set(name, series)
  return series.evaluations()
}

/** One recorded value. */
interface RecordedValue {
  readonly step: number
  readonly order: OrderKey
  readonly value: number
  readonly isAbandoned: boolean
}

/** The recorded values of one metric with their smoothed values and scores, in the order of steps. */
class Series {
  readonly #reading: Reading
  #smoother: Smoother
  readonly #steps = new GrowingNumbers()
  readonly #segments = new GrowingNumbers()
  readonly #bases = new GrowingNumbers()
  readonly #recorded = new GrowingNumbers()
  readonly #values = new GrowingNumbers()
  readonly #scores = new GrowingNumbers()
  /** The indexes in the order of recording, without abandoned ones. `undefined` if it equals the order of steps. */
  #recording: GrowingNumbers | undefined
  /** The indexes of abandoned values in the order of recording. */
  #abandonedPlaces: readonly number[] = []
  /** The steps of abandoned values. */
  readonly #abandoned = new Set<number>()
  /** The highest order key. */
  #latest = earliest
  /** The segments that were read. `#counts` has the number of values after each. */
  #stretches: History = []
  #counts: readonly number[] = []

  constructor(reading: Reading, history: History) {
    this.#reading = reading
    this.#smoother = new Smoother(reading.smoothing)
    if (!this.goOn(history)) this.#evaluateByRecording(history)
  }

  evaluations(): Evaluations {
    return new Evaluations(
      this.#steps.seen(),
      this.#values.seen(),
      this.#scores.seen(),
      this.#judged(),
      this.#abandoned,
    )
  }

  /** Returns the indexes in the order of recording, abandoned ones last. */
  #judged(): Float64Array | undefined {
    const live = this.#recording?.seen()
    if (live === undefined || this.#abandonedPlaces.length === 0) return live
    const judged = new Float64Array(this.#steps.length)
    judged.set(live)
    judged.set(this.#abandonedPlaces, live.length)
    return judged
  }

  /**
   * Adds the values that the history has in addition to the previous one. Returns false and adds nothing if the
   * histories contradict each other, or if an added value does not come last.
   */
  goOn(history: History): boolean {
    const read = this.#readBeyond(history)
    if (read === undefined || !isInOrder(read.added, this.#latest)) return false
    for (const each of read.added) this.#add(each, this.#smoother.next(each.value))
    this.#stretches = history
    this.#counts = read.counts
    return true
  }

  /** Evaluates a run that went back to older steps. The series must be empty. */
  #evaluateByRecording(history: History): void {
    const { added, counts } = this.#readBeyond(history) ?? { added: [], counts: [] }
    const inOrder = [...added.entries()].sort(([, one], [, other]) => compare(one, other))
    const live = inOrder.filter(([, { isAbandoned }]) => !isAbandoned)
    const abandoned = inOrder.slice(live.length)
    const smoothed = new Float64Array(added.length)
    // An abandoned value continues from the values of earlier steps. Values that are added later have higher steps.
    const withAbandoned = new Lineage(this.#reading.smoothing)
    if (abandoned.length > 0)
      for (const [place, { step, value }] of inOrder) smoothed[place] = withAbandoned.next(step, value)
    const lineage = new Lineage(this.#reading.smoothing)
    const recording = new GrowingNumbers()
    for (const [place, { step, value }] of live) {
      smoothed[place] = lineage.next(step, value)
      recording.add(place)
    }
    for (const [place, each] of added.entries()) this.#add(each, smoothed[place] ?? Number.NaN)
    this.#recording = recording
    this.#abandonedPlaces = abandoned.map(([place]) => place)
    this.#smoother = lineage.smoother
    this.#stretches = history
    this.#counts = counts
  }

  /** Returns the values that are not known yet; `undefined` if a known value has changed. */
  #readBeyond(
    history: History,
  ): { readonly added: readonly RecordedValue[]; readonly counts: readonly number[] } | undefined {
    const shared = this.#sharedWith(history)
    let place = this.#counts[shared - 1] ?? 0
    const counts = this.#counts.slice(0, shared)
    const added: RecordedValue[] = []
    for (const stretch of history.slice(shared)) {
      for (const { step, metrics, order = earliest, abandoned: isAbandoned = false } of stretch) {
        const value = metrics[this.#reading.metric] // an inherited member is not a number
        if (typeof value !== 'number' || !Number.isFinite(value)) continue
        if (place >= this.#steps.length) added.push({ step, order, value, isAbandoned })
        else if (!this.#isAt(place, { step, order, value, isAbandoned })) return undefined
        place += 1
      }
      counts.push(place)
    }
    return place < this.#steps.length ? undefined : { added, counts }
  }

  #isAt(place: number, { step, order, value, isAbandoned }: RecordedValue): boolean {
    return (
      this.#steps.at(place) === step &&
      this.#segments.at(place) === order.segment &&
      this.#bases.at(place) === order.base &&
      this.#recorded.at(place) === value &&
      this.#abandoned.has(step) === isAbandoned
    )
  }

  /** Returns the number of segments that this history shares with the previous one. */
  #sharedWith(history: History): number {
    const differing = this.#stretches.findIndex((stretch, index) => stretch !== history[index])
    return differing < 0 ? this.#stretches.length : differing
  }

  #add({ step, order, value: recorded, isAbandoned }: RecordedValue, value: number): void {
    this.#recording?.add(this.#steps.length)
    this.#steps.add(step)
    this.#segments.add(order.segment)
    this.#bases.add(order.base)
    this.#recorded.add(recorded)
    this.#values.add(value)
    this.#scores.add(this.#reading.direction === 'min' ? -value : value)
    if (isAbandoned) this.#abandoned.add(step)
    if (compareOrders(order, this.#latest) > 0) this.#latest = order
  }
}

/**
 * Compares values in the order in which they are judged. Abandoned values come last, because a rewind gives its checkpoint a
 * later order key than the abandoned checkpoints have.
 */
function compare(one: RecordedValue, other: RecordedValue): number {
  return (
    Number(one.isAbandoned) - Number(other.isAbandoned) ||
    compareOrders(one.order, other.order) ||
    one.step - other.step
  )
}

/** Returns whether values in the order of steps were also recorded in that order, after `latest`, and none is abandoned. */
function isInOrder(values: readonly RecordedValue[], latest: OrderKey): boolean {
  return values.every(
    ({ order, isAbandoned }, place) =>
      !isAbandoned && compareOrders(order, values[place - 1]?.order ?? latest) >= 0,
  )
}
