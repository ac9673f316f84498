import type { Origin } from '../../catalog/documents/index.ts'
import type { HoldfastError } from '../../errors.ts'

/** The checkpoints of sources that copies of this process found corrupt. */
export class CorruptCopies {
  readonly #found = new Map<string, { readonly error: HoldfastError; readonly at: Date }>()

  note(origin: Origin, error: HoldfastError, at: Date): void {
    this.#found.set(nameOf(origin), { error, at })
  }

  /** Returns the error of a checkpoint that was found corrupt less than `within` milliseconds ago. */
  foundWithin(within: number, origin: Origin, now: Date): HoldfastError | undefined {
    const found = this.#found.get(nameOf(origin))
    if (found === undefined) return undefined
    return now.getTime() - found.at.getTime() < within ? found.error : undefined
  }
}

/** A checkpoint that is saved again has another attempt. */
function nameOf({ store, attempt, manifest }: Origin): string {
  return `${store} ${attempt} ${manifest}`
}
