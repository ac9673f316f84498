import type { AttemptId, CatalogEntry } from '../../catalog/documents/index.ts'

type Saved = Pick<CatalogEntry, 'step' | 'attempt'>

/** A restore from which a run continued. */
export interface RunRestore {
  readonly step: number
  readonly at: Date
  /** Milliseconds. */
  readonly duration: number
}

/** More than a fallback ever goes back. */
const mostRemembered = 1000

/** The checkpoints that led to the present state of a run, as far as this process restored or saved them. */
export class RunLine {
  readonly #line: Saved[] = []
  #restore: RunRestore | undefined

  /** The checkpoint that was restored or saved last. */
  get last(): AttemptId | undefined {
    return this.#line.at(-1)?.attempt
  }

  /** The restore from which the run continued, until the first save after it. */
  get restore(): RunRestore | undefined {
    return this.#restore
  }

  /** The checkpoint from which a run continued that now saves a step; `undefined` if it is not known. */
  before(step: number): AttemptId | undefined {
    return this.#line.findLast((saved) => saved.step < step)?.attempt
  }

  /** Notes a saved checkpoint. A run that goes back leaves the steps from this one on. */
  add({ step, attempt }: Saved): void {
    const kept = this.#line.filter((saved) => saved.step < step).slice(-mostRemembered)
    this.#line.splice(0, Infinity, ...kept, { step, attempt })
    this.#restore = undefined
  }

  /** Notes that the run continues from a restored checkpoint. */
  continueFrom({ step, attempt }: Saved, times: Pick<RunRestore, 'at' | 'duration'>): void {
    this.#line.splice(0, Infinity, { step, attempt })
    this.#restore = { step, ...times }
  }
}
