import { concurrently } from '../../async/concurrently.ts'
import { type AttemptId, type CatalogEntry, partsOfAttempt } from '../../catalog/documents/index.ts'
import { lastPagedStep, type PagedCatalog } from '../../catalog/pages/index.ts'
import { HoldfastError, isHoldfastError, messageOf } from '../../errors.ts'
import { recorded } from '../context/recorded-finding.ts'
import { deliver } from '../restore/deliver.ts'
import { noneLeft } from '../restore/none-left.ts'
import { refuseToStartFromNothing } from '../restore/refuse-to-start-from-nothing.ts'
import { triedTooOften } from '../restore/tried-too-often.ts'
import type { PassedOver, Restored, RestoreOptions } from '../restore/result.ts'
import { type Candidate, candidateIn } from './candidate.ts'
import { commitTogether, type JointChange } from './commit-together.ts'
import { incomplete } from './errors.ts'
import type { Member, OwningMember, ResumedMember } from './member.ts'
import { choiceName, ofRank, ranksIn, verdictsPrefix } from './names.ts'
import { agreeOn, type Choice, choiceSchema, findAgreed, type Verdict, verdictSchema } from './proposals.ts'
import { rewindTo } from './joint-rewind.ts'
import { isCounted, type RankVerdict, type RoundStep, roundStep, triesBefore } from './rules.ts'
import { isOwner } from './take-over.ts'
import { pollTerm, pollUntil, waitReporter } from './wait.ts'

/** How a rank joins a job without restoring files. */
export interface JoinOptions {
  /** Whether all ranks go to the next older checkpoint if a rank that restores finds one corrupt. Default: false. */
  readonly fallback?: boolean | undefined
  readonly signal?: AbortSignal | undefined
}

type CountOptions = Pick<RestoreOptions, 'maxTries' | 'signal'>

/** Limits of the waits of a restore, in milliseconds. */
export interface ResumeLimits {
  /** For a commit of the term. */
  readonly commit: number
  /** For the verdicts of the other ranks, which may read far more bytes than this one. */
  readonly verdicts: number
}

/** Verdicts are small documents. */
const verdictsAtOnce = 16

export interface Resumption {
  readonly member: ResumedMember
  /** `undefined` if the term starts from the beginning, or if the rank joins without restoring files. */
  readonly restored: Restored | undefined
}

/** What a rank found when it restored a checkpoint. */
type VerdictFacts = Pick<Verdict, 'fault' | 'unlisted'>

const good: VerdictFacts = { fault: null }
const notListed: VerdictFacts = { fault: 'it is not listed any more', unlisted: true }

/** The checkpoint that a rank found corrupt in a round. */
interface Bad {
  readonly attempt: AttemptId
  readonly reason: string
}

type Round =
  | { readonly kind: 'good'; readonly restored: Restored | undefined; readonly attempt: AttemptId | null }
  | ({ readonly kind: 'bad' } & Bad)
  | { readonly kind: 'join again' }
  | { readonly kind: 'start again' }

/**
 * Restores the checkpoint on which the ranks of a term agree. Each rank verifies its own files first, and delivers them once
 * all ranks have found theirs good. If a rank finds a checkpoint corrupt, it is quarantined, and all ranks go to the next older
 * one. Without `fallback`, nothing is changed, and all ranks reject with `CORRUPT`.
 *
 * A rank that joins without restoring has no files to verify. Returns `join again` if a newer term has begun, and `start again` if
 * this rank must open one.
 */
export async function resume(
  member: OwningMember,
  options: RestoreOptions | JoinOptions,
  limits: ResumeLimits,
): Promise<Resumption | 'join again' | 'start again'> {
  const avoided = new Set<AttemptId>()
  const passedOver: PassedOver[] = []
  let round = 0
  for (;;) {
    if (!(await isOwner(member, options.signal))) return 'join again'
    const { entry, tooOften, base } = await candidateOf(member, avoided, options)
    if (entry === undefined && passedOver.length + tooOften.length > 0)
      throw noneLeft([...passedOver, ...tooOften.map(triedTooOften)], 'latest')
    const proposal = {
      attempt: entry?.attempt ?? null,
      ...(tooOften.length === 0 ? {} : { tooOften: [...tooOften] }),
      base,
    }
    const name = choiceName(member.own.term, round)
    const agreed = await agreeOn(member.context, name, choiceSchema, proposal, options.signal)
    if (agreed === undefined) continue // The proposal depends on the catalog, which must be read again.
    passedOver.push(...(agreed.proposal.tooOften ?? []).map(triedTooOften))
    if (!(await rewindAndCount(member, agreed.proposal, options, limits.commit))) return 'join again'
    const outcome = await restoreInRound(member, round, agreed.proposal.attempt, options, limits.verdicts)
    if (outcome.kind === 'join again' || outcome.kind === 'start again') return outcome.kind
    if (outcome.kind === 'good') {
      const { attempt, restored } = outcome
      return { member: { ...member, resumed: attempt }, restored: restored && { ...restored, passedOver } }
    }
    const { step } = partsOfAttempt(outcome.attempt)
    if (options.fallback !== true) throw corrupt(step, outcome.reason, member.context.backend.url)
    avoided.add(outcome.attempt)
    passedOver.push({ step, reason: outcome.reason, quarantined: recorded })
    round += 1
  }
}

/** The checkpoint to propose, and the version of the catalog that decides. Rejects with `CORRUPT` if no good one is left. */
async function candidateOf(
  { context, own }: Member,
  avoided: ReadonlySet<AttemptId>,
  { maxTries = Infinity, signal }: CountOptions,
): Promise<Candidate & { readonly base: number }> {
  const { term } = own
  const newest = await context.log.newest(signal)
  const { latest } = newest
  const isSimple =
    avoided.size === 0 && (latest === undefined || triesBefore(newest, latest.attempt, term) < maxTries)
  const catalog = isSimple ? newest : await context.log.wholeOf(newest, signal)
  const candidate = candidateIn(catalog, { term, avoided, maxTries })
  if (candidate.entry === undefined && avoided.size + candidate.tooOften.length === 0)
    refuseToStartFromNothing(catalog)
  return { ...candidate, base: catalog.version }
}

/**
 * Rewinds to an agreed checkpoint if later ones were restored too often, so that the steps after it are free and the next save is
 * the latest. Counts its restore once for the term. Returns false if a newer term has begun.
 */
async function rewindAndCount(
  member: Member,
  { attempt, tooOften = [], base }: Choice,
  { maxTries, signal }: CountOptions,
  timeout: number,
): Promise<boolean> {
  if (attempt === null) return true
  const { step } = partsOfAttempt(attempt)
  const { term } = member.own
  const changes: readonly JointChange[] = [
    ...(tooOften.length === 0 ? [] : [rewindTo({ step, attempt, base })]),
    ...(maxTries === undefined
      ? []
      : [
          {
            attempt,
            change: { kind: 'count restore', step, attempt, term },
            isDone: (catalog: PagedCatalog) => isCounted(catalog, attempt, term),
          } as const,
        ]),
  ]
  for (const change of changes)
    if ((await commitTogether(member, change, timeout, signal)) === undefined) return false
  return true
}

/** Restores an agreed attempt into a hidden folder, states a verdict on it, and waits for those of the other ranks. */
async function restoreInRound(
  member: Member,
  round: number,
  attempt: AttemptId | null,
  options: RestoreOptions | JoinOptions,
  timeout: number,
): Promise<Round> {
  let settled: Round | undefined
  const settle = async (facts: VerdictFacts): Promise<Round> => {
    const stated = await stateVerdict(member, round, attempt, facts, options.signal)
    // An earlier call found the checkpoint good, and other ranks may have gone on. Only another term can choose again.
    if (facts.fault !== null && stated.fault === null) return { kind: 'start again' }
    return awaitVerdicts(member, round, attempt, options, timeout)
  }
  if (attempt === null) return settle(good)
  const entry = await listedEntry(member, attempt, options.signal)
  if (entry === undefined) return settle(notListed)
  if (!('to' in options)) return settle(good)
  using _ = member.context.restoring.protect(attempt)
  try {
    const restored = await deliver(member.context, entry, options, async () => {
      settled = await settle(good)
      // The rejection stops the delivery. `settled` says why.
      if (settled.kind !== 'good') throw new HoldfastError('ABORTED', 'The ranks did not agree to continue.')
    })
    return { kind: 'good', attempt, restored: { ...restored, passedOver: [], damagedCatalogs: [] } }
  } catch (error) {
    if (settled !== undefined && settled.kind !== 'good') return settled
    if (settled !== undefined || !isHoldfastError(error, 'CORRUPT')) throw error
    return await settle({ fault: messageOf(error) })
  }
}

async function listedEntry(
  { context }: Member,
  attempt: AttemptId,
  signal: AbortSignal | undefined,
): Promise<CatalogEntry | undefined> {
  const newest = await context.log.newest(signal)
  const { step } = partsOfAttempt(attempt)
  const catalog = step > lastPagedStep(newest) ? newest : await context.log.wholeOf(newest, signal)
  const entry = catalog.checkpoints.get(step)
  return entry?.attempt === attempt ? entry : undefined
}

/** States the verdict of a rank, and returns it. A verdict that the rank has stated before stays. */
async function stateVerdict(
  { context, own, rank, process }: Member,
  round: number,
  attempt: AttemptId | null,
  facts: VerdictFacts,
  signal: AbortSignal | undefined,
): Promise<Verdict> {
  const name = ofRank(verdictsPrefix(own.term, round), rank)
  const proposal: Verdict = { process, attempt, ...facts }
  for (;;) {
    const stated = await agreeOn(context, name, verdictSchema, proposal, signal)
    if (stated !== undefined) return stated.proposal
  }
}

async function awaitVerdicts(
  member: Member,
  round: number,
  attempt: AttemptId | null,
  { fallback = false, signal }: RestoreOptions | JoinOptions,
  timeout: number,
): Promise<Round> {
  const { context, own, size } = member
  const prefix = verdictsPrefix(own.term, round)
  const verdicts = new Map<number, Verdict>()
  const report = waitReporter(member, 'verify')
  let missing: readonly number[] = []
  return pollUntil<Round>(
    context,
    timeout,
    signal,
    async () => {
      const seen = await pollTerm(member, prefix, signal)
      if (seen.isSuperseded) return { kind: 'join again' }
      await readVerdicts(member, prefix, ranksIn(seen.names, prefix), verdicts, signal)
      const step: RoundStep = roundStep([...verdicts].map(toRankVerdict), attempt, size)
      if (step.kind === 'wait') {
        ;({ missing } = step)
        report(missing)
      }
      if (step.kind === 'bad' && attempt !== null) {
        const reason = `rank ${step.rank}: ${verdicts.get(step.rank)?.fault ?? ''}`
        // One rank commits for all. Without a fallback, the next start finds the same checkpoint.
        if (fallback && step.rank === member.rank) await quarantine(member, attempt, reason)
        return { kind: 'bad', attempt, reason }
      }
      if (step.kind !== 'good') return undefined
      if (!(await isOwner(member, signal))) return { kind: 'join again' }
      return { kind: 'good', attempt, restored: undefined }
    },
    () =>
      incomplete({
        missing,
        size,
        what: 'did not restore the checkpoint',
        timeout,
        advice: 'Nothing was delivered. Start all ranks again.',
        limit: 'join',
        url: context.backend.url,
      }),
  )
}

/** Reads the verdicts that are not known yet. */
async function readVerdicts(
  { context }: Member,
  prefix: string,
  ranks: readonly number[],
  known: Map<number, Verdict>,
  signal: AbortSignal | undefined,
): Promise<void> {
  const unread = ranks.filter((rank) => !known.has(rank))
  const found = await concurrently(unread, verdictsAtOnce, signal, async (rank, taskSignal) =>
    findAgreed(context, ofRank(prefix, rank), verdictSchema, taskSignal),
  )
  for (const [at, verdict] of found.entries()) {
    const rank = unread[at]
    if (rank !== undefined && verdict !== undefined) known.set(rank, verdict.proposal)
  }
}

function toRankVerdict([rank, { attempt, fault, unlisted }]: readonly [number, Verdict]): RankVerdict {
  return { rank, attempt, isGood: fault === null, isUnlisted: unlisted === true }
}

/** Quarantines a checkpoint, unless it was dropped or abandoned since. */
async function quarantine(member: Member, attempt: AttemptId, reason: string): Promise<void> {
  const { context } = member
  if ((await listedEntry(member, attempt, undefined)) === undefined) return
  const { step } = partsOfAttempt(attempt)
  try {
    await context.log.commit({ kind: 'quarantine', found: [{ step, attempt, reason }] })
    context.events.emit('quarantined', { step, reason })
  } catch (error) {
    if (!isHoldfastError(error, 'FENCED')) throw error // The next round finds the new owner.
  }
}

function corrupt(step: number, reason: string, url: string): HoldfastError {
  return new HoldfastError(
    'CORRUPT',
    `Step ${step} is corrupt: ${reason}. Nothing of it was delivered to any rank.`,
    {
      url,
      hint: { kind: 'restore-with-fallback' },
    },
  )
}
