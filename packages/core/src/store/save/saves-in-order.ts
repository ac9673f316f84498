import { orAborted } from '../../async/or-aborted.ts'

/**
 * The saves of one process that have begun and not ended. A run that goes back to a lower step saves it after the higher
 * steps, although a higher one may still be under way. So a save of a lower step begins once those have ended: the order
 * of saves decides what is the latest checkpoint.
 */
export class SavesInOrder {
  readonly #underWay = new Set<{ readonly step: number; readonly ended: Promise<unknown> }>()

  /** Begins a save once no save of a higher step is under way. Rejects with `ABORTED` if the signal fires first. */
  async run<Result>(
    step: number,
    signal: AbortSignal | undefined,
    save: () => Promise<Result>,
  ): Promise<Result> {
    const higher = [...this.#underWay].filter((other) => other.step > step).map(({ ended }) => ended)
    const result = orAborted(Promise.all(higher), signal, `The save of step ${step}`).then(save)
    const own = { step, ended: Promise.allSettled([result]) }
    this.#underWay.add(own)
    try {
      return await result
    } finally {
      this.#underWay.delete(own)
    }
  }
}
