import { HoldfastError, isHoldfastError } from '@holdfast/core'
import { statesSeveralRanks, type Variables } from './environment.ts'

/**
 * Returns the error of a save without ranks. If another process has saved the step, and a launcher states several ranks, it
 * advises to save together first: a replacement would drop the files of the other ranks.
 */
export function withForgottenRanks(error: unknown, variables: Variables = process.env): unknown {
  if (!isHoldfastError(error, 'ALREADY_EXISTS') || error.hint?.kind !== 'replace') return error
  const source = statesSeveralRanks(variables)
  if (source === undefined) return error
  return new HoldfastError(
    'ALREADY_EXISTS',
    `${error.reason} ${source} say that this process is one of several ranks. If each saves a part of the checkpoint, pass ` +
      '--ranks env or --member FILE on all of them. To drop what is saved, pass --replace.',
    { url: error.url, key: error.key, cause: error },
  )
}
