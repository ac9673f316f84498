/**
 * Reports the progress of a put. The number never decreases, although a backend may begin again from the start of the source.
 * The full size, if it is announced, is reported only when the put has succeeded.
 */
export class PutProgress {
  readonly #listener: ((bytes: number) => void) | undefined
  readonly #size: number
  #reported = -1

  constructor(listener: ((bytes: number) => void) | undefined, size = Infinity) {
    this.#listener = listener
    this.#size = size
  }

  readonly report = (bytes: number): void => {
    if (bytes <= this.#reported || bytes >= this.#size) return
    this.#reported = bytes
    this.#listener?.(bytes)
  }

  /** Reports the size of the stored object, unless it was reported. */
  end(size: number): void {
    if (size <= this.#reported) return
    this.#reported = size
    this.#listener?.(size)
  }
}
