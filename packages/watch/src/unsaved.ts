import type { HoldfastError } from '@holdfast/core'
import type { ScanReport } from './adoption/adopter.ts'

/** A complete checkpoint that the store does not have, and why. `name` is its path below the folder. */
export interface Unsaved {
  readonly name: string
  readonly error: HoldfastError
}

/** Returns the failed checkpoints of a scan, without those that a later one has overtaken. */
export function unsavedIn({ failing }: ScanReport): readonly Unsaved[] {
  return failing
    .filter(({ overtakenBy }) => overtakenBy === undefined)
    .map(({ name, error }) => ({ name, error }))
}
