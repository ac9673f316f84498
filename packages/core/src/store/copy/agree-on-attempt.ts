import * as v from 'valibot'
import {
  type AgreementName,
  agreementName,
  type AttemptId,
  newAttemptId,
  type Origin,
  partsOfAttempt,
} from '../../catalog/documents/index.ts'
import { HoldfastError, isHoldfastError } from '../../errors.ts'
import { agree } from '../agreements/agree.ts'
import { canContinue, copyProposalSchema, nameOfCopy } from '../agreements/copies.ts'
import type { CopyDestination } from './sides.ts'
import type { CopyTries } from './tries.ts'

/** The attempt under which all copiers of one checkpoint store it. */
export interface CopyAttempt {
  readonly attempt: AttemptId
  /** The name of the copy, and the number of this try at it. */
  readonly copy: AgreementName
  readonly number: number
  /** Whether this call began it, so that nothing of it is stored yet. */
  readonly isNew: boolean
}

/** Each try ends with an attempt that is listed or dead, or with a lost response. */
const mostLooks = 100

/**
 * Returns the attempt that an earlier copier of this checkpoint began, if it can still be committed, or begins one. So a copy
 * that was interrupted continues, and two copiers at once make one checkpoint. The attempt is registered in `access.attempts`.
 */
export async function agreeOnAttempt(
  { context, access }: CopyDestination,
  tries: CopyTries,
  origin: Origin,
  step: number,
  signal: AbortSignal | undefined,
): Promise<CopyAttempt> {
  const { backend, log, environment } = context
  const copy = nameOfCopy(origin, step)
  let number = await tries.latest(copy, signal)
  let newest = log.known ?? (await access.readyToSave(signal))
  for (let looks = 0; looks < mostLooks; looks += 1) {
    // Registered in the turn in which the base is read, so that this process cannot raise the floor in between.
    const own = newAttemptId(step, (log.known ?? newest).version, environment.newToken())
    access.attempts.add(own)
    const agreed = await agreedAttempt(context, agreementName(copy, number), own, signal).catch(
      (error: unknown) => {
        access.attempts.delete(own)
        throw error
      },
    )
    // Nobody else can have ended an attempt that this call began. If it is dead by now, its commit is refused.
    if (agreed === own) return { attempt: own, copy, number, isNew: true }
    access.attempts.delete(own)
    newest = await log.newest(signal)
    if (agreed === 'none') continue
    if (agreed !== 'unusable' && canContinue(await log.wholeOf(newest, signal), agreed)) {
      access.attempts.add(agreed)
      return { attempt: agreed, copy, number, isNew: false }
    }
    number += 1
  }
  throw new HoldfastError(
    'UNAVAILABLE',
    `The copiers of step ${step} could not agree on an attempt, ${mostLooks} times in a row. Try again later.`,
    { url: backend.url },
  )
}

async function agreedAttempt(
  context: CopyDestination['context'],
  agreement: AgreementName,
  own: AttemptId,
  signal: AbortSignal | undefined,
): Promise<AttemptId | 'none' | 'unusable'> {
  try {
    const agreed = await agree(context, agreement, { attempt: own }, signal)
    if (agreed === undefined) return 'none'
    const proposal = v.safeParse(copyProposalSchema, agreed.proposal)
    const isOfStep =
      proposal.success && partsOfAttempt(proposal.output.attempt).step === partsOfAttempt(own).step
    return isOfStep ? proposal.output.attempt : 'unusable'
  } catch (error) {
    if (isHoldfastError(error, 'CORRUPT')) return 'unusable'
    throw error
  }
}
