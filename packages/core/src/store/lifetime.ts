import { UnderWay } from '../async/under-way.ts'
import { HoldfastError } from '../errors.ts'

/** The time for which a store is open. */
export class Lifetime {
  readonly #url: string
  readonly #underWay = new UnderWay()
  #closed: Promise<void> | undefined

  constructor(url: string) {
    this.#url = url
  }

  /** Runs work that `close` waits for, also after the store was closed. */
  async run<Result>(work: () => Promise<Result>): Promise<Result> {
    return this.#underWay.run(work)
  }

  /** Runs work that `close` waits for. Throws `INVALID_ARGUMENT` if the store is closed. */
  async whileOpen<Result>(work: () => Promise<Result>): Promise<Result> {
    if (this.#closed === undefined) return this.#underWay.run(work)
    throw new HoldfastError('INVALID_ARGUMENT', `The store ${this.#url} is closed. Open it again.`, {
      url: this.#url,
    })
  }

  /** Refuses further work, waits for the work under way, and calls `end` once. Only the first call throws its errors. */
  async close(end: () => Promise<void>): Promise<void> {
    if (this.#closed === undefined) {
      this.#closed = this.#underWay.settled().then(end)
      await this.#closed
    } else {
      await this.#closed.catch(() => undefined) // the first call reports the error
    }
  }
}
