import type { Origin } from '../../catalog/documents/index.ts'
import type { HoldfastError } from '../../errors.ts'

/** The checkpoints of sources that copies of this process found corrupt. */
export class CorruptCopies {
  readonly #found = new Map<string, { readonly error: HoldfastError; readonly at: Date }>()

  note(origin: Origin, error: HoldfastError, at: Date): void {
    this.#found.set(nameOf(origin), { error, at })
  }

  /** Returns the error of a checkpoint that was found corrupt less than `within` milliseconds ago. Forgets an earlier one. */
  foundWithin(within: number, origin: Origin, now: Date): HoldfastError | undefined {
    const name = nameOf(origin)
    const found = this.#found.get(name)
    if (found === undefined) return undefined
    if (now.getTime() - found.at.getTime() < within) return found.error
    this.#found.delete(name)
    return undefined
  }
}

/** A checkpoint that is saved again has another attempt. */
function nameOf({ store, attempt, manifest }: Origin): string {
  return `${store} ${attempt} ${manifest}`
}
