/** The memory in bytes that all transfers of a call may hold, unless a single one may hold more. */
const memoryOfCall = 64 * 2 ** 20

/**
 * Limits the memory of the transfers that run at once. One transfer holds at most `mostPerTransfer` bytes, and no more than its
 * own size. All together hold at most 64 MiB, or `mostPerTransfer` if that is more. Transfers begin in the order of the calls.
 */
export class MemoryLimit {
  readonly #mostPerTransfer: number
  #free: number
  readonly #waiting: { readonly bytes: number; readonly begin: () => void }[] = []

  constructor(mostPerTransfer: number) {
    this.#mostPerTransfer = mostPerTransfer
    this.#free = Math.max(mostPerTransfer, memoryOfCall)
  }

  /** Runs a transfer of `size` bytes when there is memory for it. An unknown size counts as large. */
  async run<Result>(size: number | undefined, transfer: () => Promise<Result>): Promise<Result> {
    const bytes = Math.min(size ?? Infinity, this.#mostPerTransfer)
    if (this.#waiting.length > 0 || bytes > this.#free)
      await new Promise<void>((begin) => this.#waiting.push({ bytes, begin }))
    else this.#free -= bytes
    try {
      return await transfer()
    } finally {
      this.#free += bytes
      this.#beginNext()
    }
  }

  #beginNext(): void {
    for (;;) {
      const [next] = this.#waiting
      if (next === undefined || next.bytes > this.#free) return
      this.#waiting.shift()
      this.#free -= next.bytes
      next.begin()
    }
  }
}
