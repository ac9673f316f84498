import * as v from 'valibot'
import { fateOf, remembersSince } from '../../catalog/commit/rules/index.ts'
import {
  agreementKey,
  type AgreementName,
  agreementName,
  agreementOfKey,
  type AttemptId,
  attemptSchema,
  type Origin,
  partsOfAttempt,
} from '../../catalog/documents/index.ts'
import type { PagedCatalog, WholeCatalog } from '../../catalog/pages/index.ts'
import { isHoldfastError } from '../../errors.ts'
import { type AgreementContext, listAgreements, readAgreement } from './agree.ts'

/** The first part of the names of the agreements of copies. */
export const copiesFolder = 'copies'

/** What the copiers of a checkpoint agree on. */
export const copyProposalSchema = v.looseObject({ attempt: attemptSchema })

/** Returns the beginning of the names of all tries at a copy. */
export function nameOfCopy(origin: Origin, step: number): AgreementName {
  return agreementName(copiesFolder, origin.store, origin.attempt, step)
}

/** Whether an attempt was neither listed nor dropped, as far back as its beginning, and is not dead. */
export function canContinue(newest: PagedCatalog, attempt: AttemptId): boolean {
  return fateOf(newest, attempt) === 'open' && remembersSince(newest, partsOfAttempt(attempt).base)
}

export function isOfCopy(key: string): boolean {
  return agreementOfKey(key)?.startsWith(`${copiesFolder}/`) === true
}

/**
 * Returns which of these agreements of copies no copier needs any more: their attempt is listed, dropped or dead, so the next
 * copier begins another one. A damaged agreement names no attempt, and another try takes its place.
 */
export async function settledAgreements(
  context: AgreementContext,
  newest: WholeCatalog,
  keys: readonly string[],
  signal: AbortSignal | undefined,
): Promise<readonly string[]> {
  const settled: string[] = []
  for (const name of keys.map(agreementOfKey).filter((each) => each !== undefined)) {
    const attempt = await attemptIn(context, name, signal)
    if (attempt !== 'gone' && (attempt === 'none' || !canContinue(newest, attempt)))
      settled.push(agreementKey(name))
  }
  return settled
}

/** Returns which of these attempts belong to copies that the next copier continues. */
export async function continuableCopies(
  context: AgreementContext,
  newest: WholeCatalog,
  attempts: ReadonlySet<AttemptId>,
  signal: AbortSignal | undefined,
): Promise<ReadonlySet<AttemptId>> {
  const steps = new Set([...attempts].map((attempt) => partsOfAttempt(attempt).step))
  const found = new Set<AttemptId>()
  for await (const name of listAgreements(context.backend, `${copiesFolder}/`, { signal })) {
    if (!steps.has(stepOfCopy(name))) continue
    const attempt = await attemptIn(context, name, signal)
    if (attempt === 'gone' || attempt === 'none') continue
    if (attempts.has(attempt) && canContinue(newest, attempt)) found.add(attempt)
  }
  return found
}

/** The name of a try at a copy ends with the step and the number of the try. */
function stepOfCopy(name: AgreementName): number {
  return Number(name.split('/').at(-2))
}

async function attemptIn(
  { backend }: AgreementContext,
  name: AgreementName,
  signal: AbortSignal | undefined,
): Promise<AttemptId | 'none' | 'gone'> {
  try {
    const agreement = await readAgreement(backend, name, signal)
    if (agreement === undefined) return 'gone'
    const proposal = v.safeParse(copyProposalSchema, agreement.proposal)
    return proposal.success ? proposal.output.attempt : 'none'
  } catch (error) {
    if (isHoldfastError(error, 'CORRUPT')) return 'none'
    throw error
  }
}
