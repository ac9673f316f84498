import { Smoother, type Smoothing, type Weighted } from './smoothing.ts'
import { insertionIndex } from './sorted.ts'

/**
 * Smooths the values of a run that went back to older steps, in the order of recording. After going back, smoothing
 * continues from the values of the earlier steps, because the run continued from a checkpoint of one of them.
 */
export class Lineage {
  readonly #smoothing: Smoothing | undefined
  #smoother: Smoother
  /** The steps and values that led to the latest value, oldest first, each with the state of the smoother after it. */
  readonly #steps: number[] = []
  readonly #values: number[] = []
  readonly #states: Weighted[] = []

  constructor(smoothing: Smoothing | undefined) {
    this.#smoothing = smoothing
    this.#smoother = new Smoother(smoothing)
  }

  /** Returns the smoother that continues from the latest value. */
  get smoother(): Smoother {
    return this.#smoother
  }

  next(step: number, value: number): number {
    if (step <= (this.#steps.at(-1) ?? -Infinity)) this.#goBackTo(step)
    const smoothed = this.#smoother.next(value)
    this.#steps.push(step)
    this.#values.push(value)
    this.#states.push(this.#smoother.weighted)
    return smoothed
  }

  #goBackTo(step: number): void {
    const length = insertionIndex(this.#steps, step)
    for (const list of [this.#steps, this.#values, this.#states]) list.length = length
    this.#smoother = Smoother.resumed(this.#smoothing, this.#values, this.#states.at(-1))
  }
}
