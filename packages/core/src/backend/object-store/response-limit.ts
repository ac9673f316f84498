import { longestWait, type MinimumProgress, noResponse } from '../progress.ts'

/** Aborts a request whose response does not begin in time. */
export class ResponseLimit {
  readonly #late = new AbortController()
  readonly #slowest: MinimumProgress | undefined
  #timer: NodeJS.Timeout
  #isOver = false

  /** Starts the limit for a body of a number of bytes. `slowest` is the slowest upload that is accepted. */
  constructor(bodyBytes: number, slowest: MinimumProgress | undefined) {
    this.#slowest = slowest
    this.#timer = this.#start(bodyBytes)
  }

  /** Fires when the limit is exceeded. The reason is an error that states the limit. */
  get signal(): AbortSignal {
    return this.#late.signal
  }

  /** Starts the limit again, for a number of bytes that are in flight. Does nothing after the end. */
  restart(bytesInFlight: number): void {
    if (this.#isOver) return
    clearTimeout(this.#timer)
    this.#timer = this.#start(bytesInFlight)
  }

  end(): void {
    this.#isOver = true
    clearTimeout(this.#timer)
  }

  #start(bytes: number): NodeJS.Timeout {
    const limit = longestWait(bytes, this.#slowest)
    return setTimeout(() => {
      this.#late.abort(noResponse(limit))
    }, limit)
  }
}
