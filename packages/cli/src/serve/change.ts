/** Lets one reader sleep until something happens. */
export class Change {
  #wake: (() => void) | undefined

  /** Wakes the reader, if it sleeps. */
  happen(): void {
    this.#wake?.()
  }

  /** Resolves when something happens after this call. */
  async next(): Promise<void> {
    const change = Promise.withResolvers<undefined>()
    this.#wake = () => {
      change.resolve(undefined)
    }
    await change.promise
    this.#wake = undefined
  }
}
