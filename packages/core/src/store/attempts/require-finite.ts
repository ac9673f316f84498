import type { ByteObserver } from '../../backend/index.ts'
import { HoldfastError } from '../../errors.ts'
import { FiniteCheck } from '../../tensors/finite-check.ts'

/** Names of files that usually hold tensors. */
const holdsTensors = /\.(?:pth?|ckpt|bin|distcp|safetensors|npz|npy|h5|keras|pkl)$/i

/** The requirement that no tensor of a save has NaN or infinity. */
export class FiniteRequirement {
  readonly #unchecked: string[] = []

  /** Checks one file. */
  of(name: string): FiniteObservation {
    return new FiniteObservation(name, () => {
      if (holdsTensors.test(name)) this.#unchecked.push(name)
    })
  }

  /** Returns a warning that names the files that were not checked although their names look like those of tensors. */
  get warnings(): readonly string[] {
    const [first, ...others] = this.#unchecked
    if (first === undefined) return []
    const which = others.length === 0 ? first : `${first} and ${others.length} more`
    return [
      `Not checked for NaN and infinity, since the format is not known: ${which}. ` +
        'safetensors files and uncompressed files of torch.save can be checked.',
    ]
  }
}

/** Checks the tensors of one file while a backend stores it. */
class FiniteObservation {
  readonly #name: string
  readonly #onUnknownFormat: () => void
  #check = new FiniteCheck()
  #bytes = 0

  constructor(name: string, onUnknownFormat: () => void) {
    this.#name = name
    this.#onUnknownFormat = onUnknownFormat
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
        `The tensors of ${name} cannot be checked, because the backend does not expose the bytes that it stores. Save without this check.`,
      )
    }
    const verdict = this.#check.finish()
    if (verdict.kind === 'unknown format') this.#onUnknownFormat()
    if (verdict.kind === 'not finite') {
      throw new HoldfastError(
        'INVALID_ARGUMENT',
        `The tensor ${JSON.stringify(verdict.tensor)} of ${name} has NaN or infinity at element ${verdict.index}. ` +
          'The checkpoint was not saved. Restore an earlier one, or save without this check.',
      )
    }
    if (verdict.kind === 'malformed') {
      throw new HoldfastError(
        'INVALID_ARGUMENT',
        `The tensors of ${name} cannot be checked: ${verdict.why}. The checkpoint was not saved. ` +
          'Save a complete file, or save without this check.',
      )
    }
  }
}
