/** The time that a group may take, divided among its works. What one work does not need, the next ones get. */
export class TimeBudget {
  readonly #ends: number
  #worksLeft: number

  /** `works` is the number of works of the group. */
  constructor(milliseconds: number, works: number) {
    this.#ends = performance.now() + milliseconds
    this.#worksLeft = works
  }

  /** Returns the milliseconds for the next work. */
  next(): number {
    const share = (this.#ends - performance.now()) / Math.max(1, this.#worksLeft)
    this.#worksLeft -= 1
    return Math.max(0, share)
  }
}
