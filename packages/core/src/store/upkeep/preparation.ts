import { orAborted } from '../../async/or-aborted.ts'
import type { UnderWay } from '../../async/under-way.ts'
import { throwIfAborted } from '../../errors.ts'

/** Work that precedes the writes of a store. It is done once. If it failed, the next write does it again. */
export class Preparation {
  readonly #url: string
  readonly #underWay: UnderWay
  readonly #work: () => Promise<void>
  #done: Promise<void> | undefined

  constructor(url: string, underWay: UnderWay, work: () => Promise<void>) {
    this.#url = url
    this.#underWay = underWay
    this.#work = work
  }

  /** Resolves once the work is done. Several callers share it, so the signal of a caller ends only its own wait. */
  async done(signal: AbortSignal | undefined): Promise<void> {
    throwIfAborted(signal, 'The preparation of the store', { url: this.#url })
    if (this.#done === undefined) {
      const done = this.#underWay.run(this.#work)
      this.#done = done
      done.catch(() => {
        if (this.#done === done) this.#done = undefined
      })
    }
    await orAborted(this.#done, signal, 'The preparation of the store')
  }

  /** Lets the next write do the work again. */
  repeat(): void {
    this.#done = undefined
  }
}
