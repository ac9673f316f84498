import { HoldfastError } from '../errors.ts'

/**
 * Throws `INVALID_ARGUMENT` unless the value is an integer from `least` to `most`. `what` names it in the message.
 */
export function assertWhole(
  what: string,
  value: number,
  least: number,
  most = Number.MAX_SAFE_INTEGER,
): void {
  if (Number.isSafeInteger(value) && value >= least && value <= most) return
  const limit = most === Number.MAX_SAFE_INTEGER ? '2^53 - 1' : String(most)
  throw new HoldfastError(
    'INVALID_ARGUMENT',
    `${what} must be a whole number from ${least} to ${limit}, not ${String(value)}.`,
  )
}
