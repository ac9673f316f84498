import type { CheckpointChoice } from '../../catalog/judging/choose.ts'
import { HoldfastError } from '../../errors.ts'
import type { PassedOver } from './result.ts'

/** Returns the error of a restore that has passed over every checkpoint that it may choose. */
export function noneLeft(passedOver: readonly PassedOver[], choice: CheckpointChoice): HoldfastError {
  if (typeof choice === 'number') return noneBefore(passedOver)
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

/** The restore of a step never falls back to a later checkpoint, which may be good. */
function noneBefore(passedOver: readonly PassedOver[]): HoldfastError {
  const steps = passedOver.map(({ step }) => step)
  const [named, are, them] =
    steps.length === 1 ? [`Step ${steps.join()}`, 'is', 'it'] : [`Steps ${steps.join(', ')}`, 'are', 'them']
  const isQuarantined = passedOver.every(({ quarantined }) => quarantined.kind === 'recorded')
  return new HoldfastError(
    'CORRUPT',
    `${named} ${are} corrupt, and no good checkpoint was saved before ${them}. ` +
      (isQuarantined ? `${named} ${are} quarantined. ` : '') +
      'Later checkpoints were not tried.',
    { hint: { kind: 'list' } },
  )
}
