import type { MetricsLine } from '../formats/csv.ts'
import type { WholeCheckpoint } from './inspect.ts'

/** The lines of a CSV of metrics, by the checkpoints that they are about. */
export class MetricsTable {
  readonly #bySteps: ReadonlyMap<number | undefined, readonly MetricsLine[]>
  readonly #byEpochs: ReadonlyMap<number | undefined, readonly MetricsLine[]>
  readonly #byNames: ReadonlyMap<string | undefined, readonly MetricsLine[]>

  constructor(lines: readonly MetricsLine[]) {
    this.#bySteps = Map.groupBy(lines, ({ step }) => step)
    this.#byEpochs = Map.groupBy(lines, ({ epoch }) => epoch)
    this.#byNames = Map.groupBy(lines, ({ name }) => name)
  }

  /**
   * Returns the metrics of a checkpoint and those of its lines. A later line replaces the metrics of an earlier one. `step`
   * is the step at which the checkpoint is saved.
   */
  of(whole: WholeCheckpoint, step: number | undefined, layout: string): Readonly<Record<string, number>> {
    const { candidate, reading } = whole
    const lines = [...this.#linesOfCount(whole, step, layout), ...(this.#byNames.get(candidate.name) ?? [])]
    return {
      ...reading.metrics,
      ...Object.fromEntries(lines.flatMap(({ metrics }) => Object.entries(metrics))),
    }
  }

  #linesOfCount(
    { reading }: WholeCheckpoint,
    step: number | undefined,
    layout: string,
  ): readonly MetricsLine[] {
    if (layout === 'lightning' && this.#hasEpochs) return this.#linesOfLightning(reading)
    return step === undefined ? [] : (this.#bySteps.get(step) ?? [])
  }

  /**
   * Lightning's CSVLogger writes the number of steps before the batch, and a checkpoint is named after the number of steps
   * behind it. If the name has only the epoch, which is then the step, the checkpoint has the last values of its epoch.
   * https://github.com/Lightning-AI/pytorch-lightning/blob/master/src/lightning/pytorch/loops/training_epoch_loop.py
   */
  #linesOfLightning({ step, epoch }: WholeCheckpoint['reading']): readonly MetricsLine[] {
    if (step === undefined) return []
    if (step === epoch) return this.#byEpochs.get(epoch) ?? []
    const before = this.#bySteps.get(step - 1) ?? []
    // With several optimizers, a name counts the steps of all of them and the logger counts batches. Then the line of the step
    // before belongs to another epoch.
    return before.filter((line) => line.epoch === undefined || epoch === undefined || line.epoch === epoch)
  }

  get #hasEpochs(): boolean {
    return [...this.#byEpochs.keys()].some((epoch) => epoch !== undefined)
  }
}
