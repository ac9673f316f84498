import { HoldfastError } from '../../errors.ts'
import type { PassedOver } from './result.ts'

/** Returns the error of a restore that has passed over every checkpoint. */
export function noneLeft(passedOver: readonly PassedOver[]): HoldfastError {
  const steps = passedOver.map(({ step }) => step).join(', ')
  const triedTooOften = passedOver.find(({ tries }) => tries !== undefined)
  return new HoldfastError(
    'CORRUPT',
    triedTooOften !== undefined
      ? `No checkpoint is left: each is corrupt or was restored too often without a later save (${steps}).`
      : `No good checkpoint is left: all that were tried are corrupt (${steps}).`,
    triedTooOften === undefined ? {} : { hint: { kind: 'mark-good', step: triedTooOften.step } },
  )
}
