import type { HoldfastError } from '@holdfast/core'

const firstDelay = 5_000
const longestDelay = 5 * 60_000

interface Failure {
  readonly fingerprint: string
  readonly error: HoldfastError
  readonly tries: number
  readonly notBefore: number
}

/** A checkpoint whose last save failed. */
export interface Failing {
  readonly name: string
  readonly error: HoldfastError
  readonly retryIn: number
}

/** Records what became of each checkpoint in its current state, so that no scan repeats a failure too soon. */
export class Outcomes {
  readonly #failures = new Map<string, Failure>()
  readonly #done = new Map<string, string>()

  /**
   * Records a failure. Returns the milliseconds until the next attempt. They double with each failure, up to 5 minutes.
   */
  fail(name: string, fingerprint: string, error: HoldfastError, now: number): number {
    const before = this.#failures.get(name)
    const tries = before?.fingerprint === fingerprint ? before.tries + 1 : 1
    const delay = Math.min(longestDelay, firstDelay * 2 ** (tries - 1))
    this.#failures.set(name, { fingerprint, error, tries, notBefore: now + delay })
    return delay
  }

  /** Returns the milliseconds until the next attempt, or 0 if it may start now. */
  dueIn(name: string, fingerprint: string, now: number): number {
    const failure = this.#failures.get(name)
    return failure?.fingerprint === fingerprint ? Math.max(0, failure.notBefore - now) : 0
  }

  /** The checkpoints whose last save failed. */
  failing(now: number): readonly Failing[] {
    return [...this.#failures].map(([name, { error, notBefore }]) => ({
      name,
      error,
      retryIn: Math.max(0, notBefore - now),
    }))
  }

  /** Forgets the failures of a checkpoint that was saved. */
  succeed(name: string): void {
    this.#failures.delete(name)
  }

  /** Forgets checkpoints that no longer exist. */
  keepOnly(names: ReadonlySet<string>): void {
    for (const name of this.#failures.keys()) if (!names.has(name)) this.#failures.delete(name)
    for (const name of this.#done.keys()) if (!names.has(name)) this.#done.delete(name)
  }

  /** Records that a checkpoint needs no further work in its current state. */
  settle(name: string, fingerprint: string): void {
    this.#done.set(name, fingerprint)
  }

  isSettled(name: string, fingerprint: string): boolean {
    return this.#done.get(name) === fingerprint
  }
}
