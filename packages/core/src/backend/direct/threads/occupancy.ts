/** Milliseconds that an estimate covers at least: several ranges of an object. */
const shortestSpan = 50

/** What the event loop of a thread has done since it began, in milliseconds. */
export interface LoopTimes {
  readonly idle: number
  readonly active: number
}

/** Estimates which share of its time a thread works, from the times of its event loop. */
export class Occupancy {
  #from: LoopTimes
  #share = 0

  constructor(from: LoopTimes) {
    this.#from = from
  }

  /** Returns the share of the latest span that was long enough, from 0 to 1; 0 before the first such span. */
  at({ idle, active }: LoopTimes): number {
    const worked = active - this.#from.active
    const span = worked + idle - this.#from.idle
    if (span >= shortestSpan) {
      this.#share = worked / span
      this.#from = { idle, active }
    }
    return this.#share
  }
}
