import { HoldfastError } from '../../errors.ts'

/** Throws `INVALID_ARGUMENT` unless `step` is an integer from 0 to 2^53 - 1. */
export function assertStep(step: number): void {
  if (isCount(step)) return
  throw new HoldfastError(
    'INVALID_ARGUMENT',
    `A step must be a whole number from 0 to 2^53 - 1, not ${String(step)}.`,
  )
}

/** Returns whether a value is an integer of at least 0 that JavaScript represents exactly. */
export function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0
}
