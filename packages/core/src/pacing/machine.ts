import type { MeasureLoad } from './load.ts'

/** Milliseconds of one look at the processors. */
const lookTime = 50

/** How many looks in a row must find the machine busy. By the last one, bytes that were still on their way have arrived. */
const looks = 4

/** Milliseconds after which a look is repeated. */
const [lookAgain, lookAgainWhileBusy] = [10_000, 1000]

/** A transfer needs about one processor. */
const leastIdleProcessors = 0.5

/** The event loop of a program that waits now and then works less than this. */
const mostOfEventLoop = 0.9

/** Time and the load of a machine as parameters. */
export interface MachineOptions {
  /** Returns milliseconds since some moment. They never go back. */
  readonly elapsed: () => number
  readonly pause: (milliseconds: number) => Promise<void>
  readonly measureLoad: MeasureLoad
}

/**
 * Knows whether other work needs all processors of the machine, or the event loop of this process. All stores of a process share
 * it, so that their transfers wait during a look, and do not count as other work.
 */
export class Machine {
  readonly #options: MachineOptions
  #isBusy = false
  #lookedAt = -Infinity
  #looking: Promise<void> | undefined

  constructor(options: MachineOptions) {
    this.#options = options
  }

  /** Returns whether the machine is busy. Looks again if the last look is long ago. All callers wait for the same look. */
  async isBusy(): Promise<boolean> {
    const again = this.#isBusy ? lookAgainWhileBusy : lookAgain
    if (this.#looking === undefined && this.#options.elapsed() - this.#lookedAt >= again)
      this.#looking = this.#look().finally(() => {
        this.#looking = undefined
      })
    await this.#looking
    return this.#isBusy
  }

  async #look(): Promise<void> {
    this.#isBusy = true
    for (let look = 0; look < looks && this.#isBusy; look += 1) {
      const loadSince = await this.#options.measureLoad()
      await this.#options.pause(lookTime)
      const { idleProcessors, eventLoop } = await loadSince()
      this.#isBusy = idleProcessors < leastIdleProcessors || eventLoop > mostOfEventLoop
    }
    this.#lookedAt = this.#options.elapsed()
  }
}
