/** The time that a group may take, divided among its works. Unused time goes to the following works. */
export class TimeBudget {
  readonly #ends: number
  #following: number

  /** `works` is the number of works of the group. */
  constructor(milliseconds: number, works: number) {
    this.#ends = performance.now() + milliseconds
    this.#following = works
  }

  /** Returns the milliseconds for the next work. */
  next(): number {
    const share = (this.#ends - performance.now()) / Math.max(1, this.#following)
    this.#following -= 1
    return Math.max(0, share)
  }
}
