import { insertionIndex } from './sorted.ts'

/** The value and score of one step by an objective. */
export interface Evaluation {
  readonly step: number
  /** The smoothed value in the unit of the metric, or the weighted sum. */
  readonly value: number
  /** The value with a sign such that higher is better. */
  readonly score: number
}

/**
 * The evaluations of a history by one objective, in the order of the steps. Steps without a value are omitted. They are
 * stored in columns, since every commit evaluates the whole history and few evaluations are read.
 */
export class Evaluations {
  static readonly none = new Evaluations(new Float64Array(), new Float64Array())

  readonly steps: Float64Array
  readonly values: Float64Array
  readonly scores: Float64Array
  /**
   * The places of the evaluations in the order of recording, abandoned ones last; `undefined` if that is the order of the
   * steps.
   */
  readonly recording: Float64Array | undefined
  /** The steps whose values a rewind abandoned. */
  readonly abandoned: ReadonlySet<number>

  constructor(
    steps: Float64Array,
    values: Float64Array,
    scores = values,
    recording?: Float64Array,
    abandoned: ReadonlySet<number> = new Set(),
  ) {
    this.steps = steps
    this.values = values
    this.scores = scores
    this.recording = recording
    this.abandoned = abandoned
  }

  get(step: number): Evaluation | undefined {
    const found = this.at(insertionIndex(this.steps, step))
    return found?.step === step ? found : undefined
  }

  /** Returns the evaluation at an index in the order of steps, from 0. */
  at(place: number): Evaluation | undefined {
    const step = this.steps[place]
    const value = this.values[place]
    const score = this.scores[place]
    if (step === undefined || value === undefined || score === undefined) return undefined
    return { step, value, score }
  }

  /** Returns the evaluation at an index in the order of recording, from 0. */
  recordedAt(index: number): Evaluation | undefined {
    return this.at(this.recording?.[index] ?? index)
  }

  /** Returns the evaluations without the first `values` that were recorded, and without steps below `step`. */
  after(values: number, step: number): Evaluations {
    if (values === 0 && step === 0) return this
    const { recording, steps } = this
    if (recording === undefined) return from(this, Math.max(values, insertionIndex(steps, step)))
    const remaining = recording.subarray(values).filter((place) => (steps[place] ?? 0) >= step)
    if (remaining.length === recording.length) return this
    const places = remaining.toSorted()
    return new Evaluations(
      places.map((place) => steps[place] ?? Number.NaN),
      places.map((place) => this.values[place] ?? Number.NaN),
      places.map((place) => this.scores[place] ?? Number.NaN),
      remaining.map((place) => insertionIndex(places, place)),
      this.abandoned,
    )
  }
}

/** Returns the evaluations from an index on. */
function from(evaluations: Evaluations, place: number): Evaluations {
  if (place === 0) return evaluations
  const { steps, values, scores } = evaluations
  return new Evaluations(steps.subarray(place), values.subarray(place), scores.subarray(place))
}
