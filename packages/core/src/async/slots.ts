/** Starts tasks in the order of the calls to `run`, at most `limit` at once. */
export class Slots {
  #free: number
  readonly #waiting: (() => void)[] = []
  readonly #unfinished = new Set<Promise<unknown>>()

  constructor(limit: number) {
    this.#free = limit
  }

  async run<Result>(task: () => Promise<Result>): Promise<Result> {
    const turn = this.#inTurn(task)
    this.#unfinished.add(turn)
    try {
      return await turn
    } finally {
      this.#unfinished.delete(turn)
    }
  }

  /** Resolves when every task that was passed to `run` so far has succeeded or failed. */
  async idle(): Promise<void> {
    await Promise.allSettled(this.#unfinished)
  }

  async #inTurn<Result>(task: () => Promise<Result>): Promise<Result> {
    if (this.#free > 0) this.#free -= 1
    else await new Promise<void>((resolve) => this.#waiting.push(resolve))
    try {
      return await task()
    } finally {
      const next = this.#waiting.shift()
      if (next === undefined) this.#free += 1
      else next()
    }
  }
}
