import { HoldfastError } from '../../errors.ts'

/** Throws `INVALID_ARGUMENT` unless `step` is a whole number from 0 to 2^53 - 1. */
export function assertStep(step: number): void {
  if (isCount(step)) return
  throw new HoldfastError(
    'INVALID_ARGUMENT',
    `A step must be a whole number from 0 to 2^53 - 1, not ${String(step)}.`,
  )
}

/** Whether a value is a whole number from 0 that JavaScript holds exactly. */
export function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0
}
