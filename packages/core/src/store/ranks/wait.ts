import type { AgreementName } from '../../catalog/documents/index.ts'
import { isHoldfastError } from '../../errors.ts'
import { listAgreements } from '../agreements/agree.ts'
import type { StoreEvents } from '../context/events.ts'
import { fencedByLaterStart } from './errors.ts'
import type { Member, RankIdentity } from './member.ts'
import { startName, startsPrefix, termOfName, termsPrefix, ticketOf } from './names.ts'
import type { RanksContext } from './proposals.ts'
import { waitStep } from './rules.ts'

/** Milliseconds between the first two polls of a wait, and the most between two polls. */
const shortestPause = 50
const longestPause = 2000

/** Factor by which each pause is longer than the one before. */
const growth = 1.5

/** Milliseconds after which a wait reports the ranks for which it waits. */
const reportAfter = 5000

/** What a poll of a wait has found. */
export interface PollResult {
  /** Whether a newer term has begun. */
  readonly isSuperseded: boolean
  /** The agreements of the term after the prefix, in the order of their names. */
  readonly names: readonly AgreementName[]
}

/**
 * Lists agreements of the own term whose names come after `prefix`, and looks for newer terms and for a later start of the
 * rank. Sends two requests. Rejects with `FENCED` if there is a later start.
 */
export async function pollTerm(
  { own: { term }, context, rank, ticket }: Member,
  prefix: string,
  signal: AbortSignal | undefined,
): Promise<PollResult> {
  const newestTicket = await newestTicketOf(context, { rank, ticket }, signal)
  const names: AgreementName[] = []
  let newestTerm = term
  for await (const name of listAgreements(context.backend, termsPrefix, { after: prefix, signal })) {
    newestTerm = Math.max(newestTerm, termOfName(name))
    if (newestTerm > term) break
    names.push(name)
  }
  const step = waitStep({ ticket, term }, { newestTicket, newestTerm })
  if (step === 'fenced') throw fencedByLaterStart(rank, context.backend.url)
  return { isSuperseded: step === 'join again', names }
}

/** Returns the newest ticket of a rank, at least `ticket`. */
export async function newestTicketOf(
  { backend }: RanksContext,
  { rank, ticket }: Pick<RankIdentity, 'rank' | 'ticket'>,
  signal: AbortSignal | undefined,
): Promise<number> {
  const after = ticket === 0 ? undefined : startName(rank, ticket)
  let newest = ticket
  for await (const name of listAgreements(backend, startsPrefix(rank), {
    after: after && `${after}.json`,
    signal,
  }))
    newest = Math.max(newest, ticketOf(name))
  return newest
}

/** Returns a function that polls call with the missing ranks. It reports them once, as soon as the wait has taken 5 seconds. */
export function waitReporter(
  { context: { environment, events }, size }: Pick<Member, 'context' | 'size'>,
  purpose: StoreEvents['waitingForRanks']['for'],
): (missing: readonly number[]) => void {
  const began = environment.now().getTime()
  let hasReported = false
  return (ranks) => {
    if (hasReported || ranks.length === 0 || environment.now().getTime() - began < reportAfter) return
    hasReported = true
    events.emit('waitingForRanks', { ranks, size, for: purpose })
  }
}

/**
 * Calls `poll` until it returns a result. Pauses become longer. The last poll begins after `timeout` milliseconds at the latest, and
 * its result counts however long it takes. Throws what `timeoutError` returns if there is no result. Errors that may pass
 * (`UNAVAILABLE`) count as a poll without a result.
 */
export async function pollUntil<Result>(
  { environment }: RanksContext,
  timeout: number,
  signal: AbortSignal | undefined,
  poll: () => Promise<Result | undefined>,
  timeoutError: () => Error,
): Promise<Result> {
  const began = environment.now().getTime()
  let pause = shortestPause
  for (;;) {
    let failure: Error | undefined
    try {
      const result = await poll()
      if (result !== undefined) return result
    } catch (error) {
      if (!isHoldfastError(error, 'UNAVAILABLE')) throw error
      failure = error
    }
    const timeLeft = began + timeout - environment.now().getTime()
    if (timeLeft <= 0) throw failure ?? timeoutError()
    await environment.pause(Math.min(timeLeft, pause * (0.75 + environment.random() / 2)), signal)
    pause = Math.min(longestPause, pause * growth)
  }
}
