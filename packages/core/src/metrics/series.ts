import { Evaluations } from './evaluations.ts'
import { GrowingNumbers } from './growing-numbers.ts'
import { Lineage } from './lineage.ts'
import type { MetricObjective } from './objective.ts'
import { Smoother } from './smoothing.ts'
import { compareOrders, type OrderKey } from '../order-key.ts'

/** The metrics of one step, whether or not its checkpoint is still there. */
export interface MetricRecord {
  readonly step: number
  /** What JSON has no number for, such as NaN, may be a text. */
  readonly metrics: Readonly<Record<string, number | string>>
  /** When the save of the step began. Records with equal keys were recorded in the order of their steps. Default: the earliest. */
  readonly order?: OrderKey | undefined
}

const earliest: OrderKey = { segment: 0, base: 0 }

/**
 * A history of metrics in the order of its steps, cut into stretches. The stretches are never changed: one that two
 * histories share says the same in both.
 */
export type History = readonly (readonly MetricRecord[])[]

/** How an objective reads its metric. */
type Reading = Pick<MetricObjective, 'metric' | 'direction' | 'smoothing'>

/** What was made last of a history that begins with a stretch, by how it was read. */
const known = new WeakMap<readonly MetricRecord[], Map<string, Series>>()

/**
 * What an objective makes of a history, without regard to its warm-up. Of one that goes on with another that was
 * evaluated before, only what has been added is read: so to judge one more step costs the same however long a run is.
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

/** A value as it was recorded. */
interface RecordedValue {
  readonly step: number
  readonly order: OrderKey
  readonly value: number
}

/** The values of one metric, as they were recorded and as an objective takes them, in the order of their steps. */
class Series {
  readonly #reading: Reading
  #smoother: Smoother
  readonly #steps = new GrowingNumbers()
  readonly #segments = new GrowingNumbers()
  readonly #bases = new GrowingNumbers()
  readonly #recorded = new GrowingNumbers()
  readonly #values = new GrowingNumbers()
  readonly #scores = new GrowingNumbers()
  /** The places in the order of recording, where that is not the order of the steps. */
  #recording: GrowingNumbers | undefined
  /** The highest order. */
  #latest = earliest
  /** The stretches that were read, and how many values there were after each. */
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
      this.#recording?.seen(),
    )
  }

  /**
   * Adds what this history has beyond the one before. False, and nothing is added, where the two contradict each other,
   * or what was added was not recorded last.
   */
  goOn(history: History): boolean {
    const read = this.#readBeyond(history)
    if (read === undefined || !isInOrder(read.added, this.#latest)) return false
    for (const each of read.added) this.#add(each, this.#smoother.next(each.value))
    this.#stretches = history
    this.#counts = read.counts
    return true
  }

  /** Of a run that went back to older steps. Nothing was added before. */
  #evaluateByRecording(history: History): void {
    const { added, counts } = this.#readBeyond(history) ?? { added: [], counts: [] }
    const lineage = new Lineage(this.#reading.smoothing)
    const smoothed = new Float64Array(added.length)
    const recording = new GrowingNumbers()
    for (const [place, { step, value }] of [...added.entries()].sort(([, one], [, other]) =>
      compare(one, other),
    )) {
      smoothed[place] = lineage.next(step, value)
      recording.add(place)
    }
    for (const [place, each] of added.entries()) this.#add(each, smoothed[place] ?? Number.NaN)
    this.#recording = recording
    this.#smoother = lineage.smoother
    this.#stretches = history
    this.#counts = counts
  }

  /** The values beyond those that are known; `undefined` where a known one is not what it was. */
  #readBeyond(
    history: History,
  ): { readonly added: readonly RecordedValue[]; readonly counts: readonly number[] } | undefined {
    const shared = this.#sharedWith(history)
    let place = this.#counts[shared - 1] ?? 0
    const counts = this.#counts.slice(0, shared)
    const added: RecordedValue[] = []
    for (const stretch of history.slice(shared)) {
      for (const { step, metrics, order = earliest } of stretch) {
        const value = metrics[this.#reading.metric] // what a record inherits is no number
        if (typeof value !== 'number' || !Number.isFinite(value)) continue
        if (place >= this.#steps.length) added.push({ step, order, value })
        else if (!this.#isAt(place, { step, order, value })) return undefined
        place += 1
      }
      counts.push(place)
    }
    return place < this.#steps.length ? undefined : { added, counts }
  }

  #isAt(place: number, { step, order, value }: RecordedValue): boolean {
    return (
      this.#steps.at(place) === step &&
      this.#segments.at(place) === order.segment &&
      this.#bases.at(place) === order.base &&
      this.#recorded.at(place) === value
    )
  }

  /** How many stretches this history has in common with the one before. */
  #sharedWith(history: History): number {
    const differing = this.#stretches.findIndex((stretch, index) => stretch !== history[index])
    return differing < 0 ? this.#stretches.length : differing
  }

  #add({ step, order, value: recorded }: RecordedValue, value: number): void {
    this.#recording?.add(this.#steps.length)
    this.#steps.add(step)
    this.#segments.add(order.segment)
    this.#bases.add(order.base)
    this.#recorded.add(recorded)
    this.#values.add(value)
    this.#scores.add(this.#reading.direction === 'min' ? -value : value)
    if (compareOrders(order, this.#latest) > 0) this.#latest = order
  }
}

function compare(one: RecordedValue, other: RecordedValue): number {
  return compareOrders(one.order, other.order) || one.step - other.step
}

/** Whether values, which are in the order of their steps, were recorded in that order, and after an order. */
function isInOrder(values: readonly RecordedValue[], latest: OrderKey): boolean {
  return values.every(({ order }, place) => compareOrders(order, values[place - 1]?.order ?? latest) >= 0)
}
