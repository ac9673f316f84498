import type { ByteObserver } from '../../backend/index.ts'
import { HoldfastError } from '../../errors.ts'
import { FiniteCheck } from '../../tensors/finite-check.ts'

/** Checks the tensors of one file while a backend stores it. */
export class FiniteObservation {
  readonly #name: string
  #check = new FiniteCheck()
  #bytes = 0

  constructor(name: string) {
    this.#name = name
  }

  /** Restarts the check. A backend calls it each time it reads the file from its start. */
  readonly observe = (): ByteObserver => {
    this.#check = new FiniteCheck()
    this.#bytes = 0
    return {
      update: (bytes) => {
        this.#bytes += bytes.byteLength
        this.#check.update(bytes)
      },
    }
  }

  /**
   * Throws `INVALID_ARGUMENT` if a number is NaN or infinite, or the file contradicts its own format. Throws `UNSUPPORTED` if
   * the backend did not show all bytes that it stored.
   */
  require(storedBytes: number): void {
    const name = JSON.stringify(this.#name)
    if (this.#bytes !== storedBytes) {
      throw new HoldfastError(
        'UNSUPPORTED',
        `The tensors of ${name} cannot be checked, because the backend does not expose the bytes that it stores. Save without requireFinite.`,
      )
    }
    const verdict = this.#check.finish()
    if (verdict.kind === 'not finite') {
      throw new HoldfastError(
        'INVALID_ARGUMENT',
        `The tensor ${JSON.stringify(verdict.tensor)} of ${name} has NaN or infinity at element ${verdict.index}. ` +
          'The checkpoint was not saved. Restore an earlier one, or save without requireFinite.',
      )
    }
    if (verdict.kind === 'malformed') {
      throw new HoldfastError(
        'INVALID_ARGUMENT',
        `The tensors of ${name} cannot be checked: ${verdict.why}. The checkpoint was not saved. ` +
          'Save a complete file, or save without requireFinite.',
      )
    }
  }
}
