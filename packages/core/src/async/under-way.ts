/** Counts running operations, so that their owner can wait for them. */
export class UnderWay {
  readonly #running = new Set<Promise<unknown>>()

  /** Starts an operation. Its error goes to its caller. */
  run<Result>(operation: () => Promise<Result>): Promise<Result> {
    const result = operation()
    const settled = result.then(
      () => undefined,
      () => undefined,
    )
    this.#running.add(settled)
    void settled.finally(() => this.#running.delete(settled))
    return result
  }

  /** Resolves when no operation is running, including those that started during the wait. */
  async settled(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running)
  }
}

/** Work that continues after the operation that started it has returned. The next `finish` throws its errors. */
export class Afterwork {
  readonly #underWay = new UnderWay()
  #failures: Error[] = []

  begin(work: () => Promise<void>): void {
    this.#underWay.run(work).catch((error: unknown) => {
      this.#failures.push(error instanceof Error ? error : new Error(String(error)))
    })
  }

  /** Resolves when all work has ended, whether it succeeded or failed. */
  async settled(): Promise<void> {
    await this.#underWay.settled()
  }

  async finish(): Promise<void> {
    await this.settled()
    const [failure] = this.#failures
    this.#failures = []
    if (failure !== undefined) throw failure
  }
}
