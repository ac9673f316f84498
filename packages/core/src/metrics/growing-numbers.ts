/** A list of numbers that grows. An array that `seen` returned does not change. */
export class GrowingNumbers {
  #buffer = new Float64Array(64)
  #length = 0

  get length(): number {
    return this.#length
  }

  at(place: number): number | undefined {
    return place < this.#length ? this.#buffer[place] : undefined
  }

  add(number: number): void {
    if (this.#length === this.#buffer.length) {
      const larger = new Float64Array(2 * this.#length)
      larger.set(this.#buffer)
      this.#buffer = larger
    }
    this.#buffer[this.#length] = number
    this.#length += 1
  }

  /** Returns the current numbers without copying them. */
  seen(): Float64Array {
    return this.#buffer.subarray(0, this.#length)
  }
}
