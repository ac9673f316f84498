/** Operations that are under way, so that their owner can wait for them before it ends. */
export class UnderWay {
  readonly #running = new Set<Promise<unknown>>()

  /** Begins an operation at once. Its caller sees whether it fails. */
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

  /** Resolves once none is under way, also of those that began meanwhile. */
  async settled(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running)
  }
}

/** Work that goes on after the operation that began it has returned. What fails is thrown by the next `finish`. */
export class Afterwork {
  readonly #underWay = new UnderWay()
  #failures: Error[] = []

  begin(work: () => Promise<void>): void {
    this.#underWay.run(work).catch((error: unknown) => {
      this.#failures.push(error instanceof Error ? error : new Error(String(error)))
    })
  }

  /** Resolves once all of it is over, whether or not it has failed. */
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
