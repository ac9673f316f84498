import * as v from 'valibot'
import {
  agreementKey,
  type AgreementName,
  agreementName,
  type AttemptId,
  newAttemptId,
  type Origin,
  partsOfAttempt,
} from '../../catalog/documents/index.ts'
import { HoldfastError, isHoldfastError } from '../../errors.ts'
import { agree, listAgreements } from '../agreements/agree.ts'
import { canContinue, copyProposalSchema, nameOfCopy } from '../agreements/copies.ts'
import type { CopyDestination } from './sides.ts'

/** The attempt under which all copiers of one checkpoint store it. */
export interface CopyAttempt {
  readonly attempt: AttemptId
  readonly agreement: AgreementName
  /** Whether this call began it, so that nothing of it is stored yet. */
  readonly isNew: boolean
}

/** Each try ends with an attempt that is listed or dead, or with a lost response. */
const mostLooks = 100

/**
 * Returns the attempt that an earlier copier of this checkpoint began, if it can still be committed, or begins one. So a copy
 * that was interrupted continues, and two copiers at once make one checkpoint.
 */
export async function agreeOnAttempt(
  { context, access }: CopyDestination,
  origin: Origin,
  step: number,
  signal: AbortSignal | undefined,
): Promise<CopyAttempt> {
  const { backend, log, environment } = context
  const copy = nameOfCopy(origin, step)
  let number = await latestTry(context, copy, signal)
  for (let looks = 0; looks < mostLooks; looks += 1) {
    const newest = await access.readyToSave(signal)
    const agreement = agreementName(copy, number)
    const own = newAttemptId(step, newest.version, environment.newToken())
    const agreed = await agreedAttempt(context, agreement, own, signal)
    if (agreed === 'none') continue
    if (agreed !== 'unusable' && canContinue(await log.wholeOf(await log.newest(signal), signal), agreed))
      return { attempt: agreed, agreement, isNew: agreed === own }
    number += 1
  }
  throw new HoldfastError(
    'UNAVAILABLE',
    `The copiers of step ${step} could not agree on an attempt, ${mostLooks} times in a row. Try again later.`,
    { url: backend.url },
  )
}

/** Deletes the agreements of all tries at a copy that is committed. The attempts of earlier tries are dead. */
export async function forgetTries(
  { backend }: CopyDestination['context'],
  origin: Origin,
  step: number,
): Promise<void> {
  const tries = await Array.fromAsync(listAgreements(backend, `${nameOfCopy(origin, step)}/`))
  if (tries.length > 0) await backend.delete(tries.map(agreementKey))
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

/** The number of the last try, or 1. */
async function latestTry(
  { backend }: CopyDestination['context'],
  copy: AgreementName,
  signal: AbortSignal | undefined,
): Promise<number> {
  let latest = 1
  for await (const name of listAgreements(backend, `${copy}/`, { signal })) {
    const number = Number(name.slice(copy.length + 1))
    if (Number.isSafeInteger(number)) latest = Math.max(latest, number)
  }
  return latest
}
