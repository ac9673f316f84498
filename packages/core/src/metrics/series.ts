import { Evaluations } from './evaluations.ts'
import { GrowingNumbers } from './growing-numbers.ts'
import type { MetricObjective } from './objective.ts'
import { Smoother } from './smoothing.ts'

/** The metrics of one step, whether or not its checkpoint is still there. */
export interface MetricRecord {
  readonly step: number
  /** What JSON has no number for, such as NaN, may be a text. */
  readonly metrics: Readonly<Record<string, number | string>>
}

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

/** The values of one metric, as they were recorded and as an objective takes them. */
class Series {
  readonly #reading: Reading
  readonly #smoother: Smoother
  readonly #steps = new GrowingNumbers()
  readonly #recorded = new GrowingNumbers()
  readonly #values = new GrowingNumbers()
  readonly #scores = new GrowingNumbers()
  /** The stretches that were read, and how many values there were after each. */
  #stretches: History = []
  #counts: readonly number[] = []

  constructor(reading: Reading, history: History) {
    this.#reading = reading
    this.#smoother = new Smoother(reading.smoothing)
    this.goOn(history)
  }

  evaluations(): Evaluations {
    return new Evaluations(this.#steps.seen(), this.#values.seen(), this.#scores.seen())
  }

  /** Adds what this history has beyond the one before. False, and nothing is added, where the two contradict each other. */
  goOn(history: History): boolean {
    const shared = this.#sharedWith(history)
    let place = this.#counts[shared - 1] ?? 0
    const counts = this.#counts.slice(0, shared)
    const added: { readonly step: number; readonly value: number }[] = []
    for (const stretch of history.slice(shared)) {
      for (const { step, metrics } of stretch) {
        const value = metrics[this.#reading.metric]
        if (typeof value !== 'number' || !Number.isFinite(value)) continue
        if (place >= this.#steps.length) added.push({ step, value })
        else if (this.#steps.at(place) !== step || this.#recorded.at(place) !== value) return false
        place += 1
      }
      counts.push(place)
    }
    if (place < this.#steps.length) return false
    for (const { step, value } of added) this.#add(step, value)
    this.#stretches = history
    this.#counts = counts
    return true
  }

  /** How many stretches this history has in common with the one before. */
  #sharedWith(history: History): number {
    const differing = this.#stretches.findIndex((stretch, index) => stretch !== history[index])
    return differing < 0 ? this.#stretches.length : differing
  }

  #add(step: number, recorded: number): void {
    const value = this.#smoother.next(recorded)
    this.#steps.add(step)
    this.#recorded.add(recorded)
    this.#values.add(value)
    this.#scores.add(this.#reading.direction === 'min' ? -value : value)
  }
}
