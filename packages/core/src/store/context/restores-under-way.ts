import type { AttemptId } from '../../catalog/documents/index.ts'

/** The attempts that this process is restoring, each with its number of restores, because restores may overlap. */
export class RestoresUnderWay {
  readonly #counts = new Map<AttemptId, number>()

  has(attempt: AttemptId): boolean {
    return this.#counts.has(attempt)
  }

  /** Prevents retention from dropping an attempt until the result is disposed of. */
  protect(attempt: AttemptId): Disposable {
    this.#counts.set(attempt, (this.#counts.get(attempt) ?? 0) + 1)
    return {
      [Symbol.dispose]: () => {
        const others = (this.#counts.get(attempt) ?? 1) - 1
        if (others > 0) this.#counts.set(attempt, others)
        else this.#counts.delete(attempt)
      },
    }
  }
}
