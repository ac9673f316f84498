import { HoldfastError, isHoldfastError } from '../../errors.ts'
import type { StoreContext } from '../context/context.ts'
import { listAgreements } from '../agreements/agree.ts'
import { ensureMarker } from '../marker/ensure-marker.ts'
import { fencedByLaterStart, fencedByOtherSize, incomplete } from './errors.ts'
import { type Member, memberOf, type RankIdentity } from './member.ts'
import {
  herePrefix,
  membersPrefix,
  ofRank,
  openName,
  ranksIn,
  startName,
  termOfName,
  termsPrefix,
} from './names.ts'
import type { RankPlace } from './options.ts'
import { agreeOn, findAgreed, hereSchema, memberSchema, openSchema, startSchema } from './proposals.ts'
import { joinStep, missingRanks, type SeenAtJoin } from './rules.ts'
import { newestTicketOf, pollTerm, pollUntil, waitReporter } from './wait.ts'
import { termPrefix } from '../../catalog/documents/index.ts'

/** Records the start of a process, and returns its identity. The newest start of a rank fences the older ones. */
export async function recordStart(
  context: StoreContext,
  { rank, size }: Pick<RankPlace, 'rank' | 'size'>,
  signal: AbortSignal | undefined,
): Promise<RankIdentity> {
  await ensureMarker(context, signal)
  await termInCatalog(context, signal) // rejects a store of a newer version before anything is written
  const process = context.environment.newId()
  let ticket = await newestTicketOf(context, { rank, ticket: 0 }, signal)
  for (;;) {
    ticket += 1
    const agreed = await agreeOn(context, startName(rank, ticket), startSchema, { process }, signal)
    if (agreed?.proposal.process === process) return { rank, size, process, ticket }
  }
}

/** Occupies the slot of a rank in the newest term, or opens the next term. Does not wait for the other ranks. */
export async function occupySlot(
  context: StoreContext,
  identity: RankIdentity,
  wasMember: boolean,
  signal: AbortSignal | undefined,
): Promise<Member> {
  const { rank, size, process, ticket } = identity
  for (;;) {
    const seen = await lookAround(context, identity, wasMember, signal)
    const step = joinStep(ticket, seen)
    if (step.kind === 'fenced') {
      const { url } = context.backend
      throw step.why === 'later start' ? fencedByLaterStart(rank, url) : fencedByOtherSize(size, url)
    }
    const { term } = step
    const open =
      step.kind === 'open'
        ? await agreeOn(context, openName(term), openSchema, { size }, signal)
        : await findAgreed(context, openName(term), openSchema, signal)
    if (open?.proposal.size !== size) continue
    const name = ofRank(membersPrefix(term), rank)
    const slot = await agreeOn(context, name, memberSchema, { process, ticket }, signal)
    if (slot?.proposal.process === process) return memberOf(identity, term, open.id, context)
  }
}

async function lookAround(
  context: StoreContext,
  { rank, size, process, ticket }: RankIdentity,
  wasMember: boolean,
  signal: AbortSignal | undefined,
): Promise<SeenAtJoin> {
  const catalogTerm = await termInCatalog(context, signal)
  const newestTicket = await newestTicketOf(context, { rank, ticket }, signal)
  const after = catalogTerm === 0 ? undefined : termPrefix(catalogTerm)
  let newestTerm = 0
  for await (const name of listAgreements(context.backend, termsPrefix, { after, signal }))
    newestTerm = Math.max(newestTerm, termOfName(name))
  const seen = { newestTicket, newestTerm, catalogTerm, wasMember }
  if (newestTerm === 0) return { ...seen, slot: 'free', isSameSize: false }
  const [open, member] = await Promise.all([
    findAgreed(context, openName(newestTerm), openSchema, signal),
    findAgreed(context, ofRank(membersPrefix(newestTerm), rank), memberSchema, signal),
  ])
  const slot = member === undefined ? 'free' : member.proposal.process === process ? 'mine' : 'taken'
  return { ...seen, slot, isSameSize: open?.proposal.size === size }
}

/** The highest term that ever owned the store. A damaged catalog is rebuilt later, from agreements that show the term. */
async function termInCatalog({ log }: StoreContext, signal: AbortSignal | undefined): Promise<number> {
  try {
    return (await log.newest(signal)).term ?? 0
  } catch (error) {
    if (isHoldfastError(error, 'CORRUPT')) return 0
    throw error
  }
}

/**
 * Waits until all ranks have members in the term, shows that this one is alive, and waits until all have shown that. Returns
 * false if there is a newer term. Rejects with `INCOMPLETE`, which names the missing ranks.
 */
export async function passBarrier(
  member: Member,
  timeout: number,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const { own, size, rank, process, context } = member
  const { url } = context.backend
  const members = membersPrefix(own.term)
  const here = herePrefix(own.term)
  const report = waitReporter(member, 'join')
  let missing: readonly number[] = []
  let isShown = false
  return pollUntil(
    context,
    timeout,
    signal,
    async () => {
      const seen = await pollTerm(member, termPrefix(own.term), signal)
      if (seen.isSuperseded) return false
      missing = missingRanks(ranksIn(seen.names, isShown ? here : members), size)
      report(missing)
      if (missing.length > 0) return undefined
      if (isShown) return true
      isShown = (await agreeOn(context, ofRank(here, rank), hereSchema, { process }, signal)) !== undefined
      missing = missingRanks([...ranksIn(seen.names, here), rank], size)
      return undefined
    },
    () => late(missing, size, timeout, url),
  )
}

function late(missing: readonly number[], size: number, timeout: number, url: string): HoldfastError {
  const advice = 'Start all ranks again.'
  if (missing.length > 0)
    return incomplete({ missing, size, what: 'did not join the job', timeout, advice, limit: 'join', url })
  return new HoldfastError('UNAVAILABLE', `All ranks have joined, and the store was too slow. ${advice}`, {
    url,
    hint: { kind: 'wait-longer', for: 'join' },
  })
}
