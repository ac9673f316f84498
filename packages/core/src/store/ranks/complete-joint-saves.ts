import { partsOfAttempt, type AttemptId } from '../../catalog/documents/index.ts'
import type { ReadableCatalog } from '../../catalog/commit/newest-readable.ts'
import { isHoldfastError } from '../../errors.ts'
import { listAgreements } from '../agreements/agree.ts'
import type { StoreContext } from '../context/context.ts'
import { completeAttempt } from './complete-attempt.ts'
import { lastOwningTerm, statusOf, storedTerms } from './job-status.ts'
import { attemptsPrefix } from './names.ts'
import { type AttemptProposal, attemptProposalSchema, findAgreed } from './proposals.ts'

/**
 * Writes the manifests of joint saves of which all parts are stored, so that a repair finds them. Any rank would have written
 * the same bytes. A save whose parts do not make a checkpoint stays as it is, and so do all if a damaged agreement hides which
 * parts belong together.
 */
export async function completeJointSaves(
  context: StoreContext,
  readable: ReadableCatalog,
  signal: AbortSignal | undefined,
): Promise<void> {
  try {
    await completeAll(context, readable, signal)
  } catch (error) {
    if (!isHoldfastError(error, 'CORRUPT')) throw error
  }
}

async function completeAll(
  context: StoreContext,
  { catalog, newestVersion }: ReadableCatalog,
  signal: AbortSignal | undefined,
): Promise<void> {
  const terms = await storedTerms(context, signal)
  const last = lastOwningTerm(terms, catalog, newestVersion > catalog.version)
  if (last === undefined) return
  const status = await statusOf(context, terms, last, () => Promise.resolve(catalog), signal)
  if (status === undefined) return
  const { term, size, unfinished } = status
  for (const { attempt, missing } of unfinished) {
    const proposal = missing.length === 0 ? await proposalOf(context, term, attempt, signal) : undefined
    if (proposal === undefined) continue
    try {
      await completeAttempt({ context, size, own: { term, owner: '' } }, proposal, signal)
    } catch (error) {
      if (!isHoldfastError(error, 'INVALID_ARGUMENT', 'CORRUPT')) throw error
    }
  }
}

/** The agreement on an attempt. Its name has the number of the try, which the attempt does not name. */
async function proposalOf(
  context: StoreContext,
  term: number,
  attempt: AttemptId,
  signal: AbortSignal | undefined,
): Promise<AttemptProposal | undefined> {
  const prefix = attemptsPrefix(term, partsOfAttempt(attempt).step)
  for await (const name of listAgreements(context.backend, prefix, { signal })) {
    const agreed = await findAgreed(context, name, attemptProposalSchema, signal)
    if (agreed?.proposal.attempt === attempt) return agreed.proposal
  }
  return undefined
}
