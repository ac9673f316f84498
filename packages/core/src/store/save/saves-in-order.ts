import { orAborted } from '../../async/or-aborted.ts'

/**
 * The running saves of one process. The order of saves decides which checkpoint is the latest. If a run goes back to a
 * lower step, its saves must come after those of the higher steps. So a save waits for running saves of higher steps.
 */
export class SavesInOrder {
  readonly #underWay = new Set<{ readonly step: number; readonly ended: Promise<unknown> }>()

  /** Begins a save when no save of a higher step is running. Rejects with `ABORTED` if the signal fires first. */
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
