import { fateOf, wasDropped } from '../../catalog/commit/rules/index.ts'
import { type AttemptId, partsOfAttempt } from '../../catalog/documents/index.ts'
import type { PagedCatalog } from '../../catalog/pages/index.ts'

/**
 * The rules by which the ranks of a job decide. Each is a pure function of what one rank has read. docs/architecture.md
 * explains them, and the exhaustive model of the tests drives the same functions.
 */

/** A term as the catalog knows it: its number, and the id with which all of its ranks own the store. */
export interface TermOwner {
  readonly term: number
  readonly owner: string
}

/** What a process has read before it joins a term. */
export interface SeenAtJoin {
  /** The newest start of its rank, which may be its own. */
  readonly newestTicket: number
  /** The newest term that the agreements show; 0 if they show none. */
  readonly newestTerm: number
  /** The highest term that ever owned the store; 0 if there was none. */
  readonly catalogTerm: number
  /** Who occupies the rank of the process in the newest term. */
  readonly slot: 'free' | 'mine' | 'taken'
  /** Whether the newest term has as many ranks as the process expects. */
  readonly isSameSize: boolean
  /** Whether the process was a member of an earlier term. */
  readonly wasMember: boolean
}

export type JoinStep =
  | { readonly kind: 'fenced'; readonly why: 'later start' | 'other size' }
  /** Open a new term, and occupy the slot in it. */
  | { readonly kind: 'open'; readonly term: number }
  | { readonly kind: 'occupy'; readonly term: number }
  | { readonly kind: 'member'; readonly term: number }

/**
 * What a process does to join. It opens a new term if its slot is taken, or if the catalog knows a later term than the
 * agreements, which may have been lost. A term of another size counts as taken. Only a process that starts opens a term of
 * another size, so two jobs of different sizes do not open terms in turns for ever.
 */
export function joinStep(ticket: number, seen: SeenAtJoin): JoinStep {
  const { newestTicket, newestTerm, catalogTerm, slot, isSameSize, wasMember } = seen
  if (newestTicket > ticket) return { kind: 'fenced', why: 'later start' }
  if (newestTerm === 0 || newestTerm < catalogTerm)
    return { kind: 'open', term: Math.max(newestTerm, catalogTerm) + 1 }
  if (slot === 'mine') return { kind: 'member', term: newestTerm }
  if (!isSameSize && wasMember) return { kind: 'fenced', why: 'other size' }
  // Agreements of a term that has owned the store may have been lost.
  if (slot === 'free' && isSameSize && newestTerm > catalogTerm) return { kind: 'occupy', term: newestTerm }
  return { kind: 'open', term: newestTerm + 1 }
}

/** What a rank does that waits in a term: every wait looks for a later start of its rank and for a newer term. */
export function waitStep(
  own: { readonly ticket: number; readonly term: number },
  seen: { readonly newestTicket: number; readonly newestTerm: number },
): 'fenced' | 'join again' | 'wait' {
  if (seen.newestTicket > own.ticket) return 'fenced'
  return seen.newestTerm > own.term ? 'join again' : 'wait'
}

/** Returns the ranks of a job that are not among `present`, in their order. */
export function missingRanks(present: Iterable<number>, size: number): readonly number[] {
  const known = new Set(present)
  return Array.from({ length: size }, (_, rank) => rank).filter((rank) => !known.has(rank))
}

/** What a version of the catalog says about a term. */
export type Standing = 'owner' | 'superseded' | 'fenced' | 'may take over'

/**
 * A term that never owned the store may take it over only from lower terms. `superseded`: a later term has owned the store,
 * so the job has started again. `fenced`: the term has owned the store, and another writer owns it now, or nobody.
 */
export function standingOf(
  { owner, term = 0 }: Pick<PagedCatalog, 'owner' | 'term'>,
  own: TermOwner,
): Standing {
  if (owner?.id === own.owner) return 'owner'
  if (term > own.term) return 'superseded'
  return term === own.term ? 'fenced' : 'may take over'
}

/** What one rank found when it restored the checkpoint that its term agreed on. */
export interface RankVerdict {
  readonly rank: number
  /** `null` if the term agreed that there is no checkpoint. */
  readonly attempt: AttemptId | null
  readonly isGood: boolean
  /** Whether the checkpoint is bad because the rank did not find it listed any more, and read nothing of it. */
  readonly isUnlisted?: boolean
}

export type RoundStep =
  /** `rank` is the one that says why, and that quarantines the checkpoint if the ranks fall back. */
  | { readonly kind: 'bad'; readonly rank: number }
  | { readonly kind: 'good' }
  | { readonly kind: 'wait'; readonly missing: readonly number[] }

/**
 * Whether all ranks can continue from the attempt. Verdicts on other attempts do not count. Of bad verdicts, that of the lowest
 * rank which has read the checkpoint counts. A rank that does not find it listed often comes after its quarantine.
 */
export function roundStep(
  verdicts: readonly RankVerdict[],
  attempt: AttemptId | null,
  size: number,
): RoundStep {
  const counted = verdicts.filter((verdict) => verdict.attempt === attempt)
  const bad = counted.filter(({ isGood }) => !isGood).sort((one, other) => one.rank - other.rank)
  const worst = bad.find(({ isUnlisted }) => isUnlisted !== true) ?? bad[0]
  if (worst !== undefined) return { kind: 'bad', rank: worst.rank }
  const missing = missingRanks(
    counted.map(({ rank }) => rank),
    size,
  )
  return missing.length === 0 ? { kind: 'good' } : { kind: 'wait', missing }
}

/**
 * How often a checkpoint was restored before this term, without a later save. The count of the own term does not matter, so all
 * ranks of a term see the same number.
 */
export function triesBefore({ tries = [] }: PagedCatalog, attempt: AttemptId, term: number): number {
  const counted = tries.find((each) => each.attempt === attempt)
  if (counted === undefined) return 0
  return counted.term === term ? counted.count - 1 : counted.count
}

/** Whether a rank of the term has counted the restore of a checkpoint. */
export function isCounted({ tries = [] }: PagedCatalog, attempt: AttemptId, term: number): boolean {
  return tries.some((each) => each.attempt === attempt && each.term === term)
}

/** Whether a rewind was committed upon the version `base` or a later one. Only the owner of the store rewinds. */
export function isRewoundSince({ rewound }: PagedCatalog, base: number): boolean {
  return rewound !== undefined && rewound.base >= base
}

/** What a rank knows of its term when it proposes a save. */
export interface SavesOfTerm {
  /** The attempts on which this process has agreed, in the order of its saves. The last ones may still be running. */
  readonly begun: Iterable<AttemptId>
  /** The latest checkpoint, if the term has saved it. */
  readonly listed: AttemptId | undefined
  /** The attempt from which the term resumed; `null` if it began without a checkpoint. */
  readonly resumed: AttemptId | null
}

/**
 * The checkpoint from which a save of a step continues: that which the term has saved before it, and at first that from which
 * the term resumed. A restore goes to it if it finds the saved one corrupt. `undefined` if there is none.
 */
export function continuedBy(step: number, { begun, listed, resumed }: SavesOfTerm): AttemptId | undefined {
  const saved = [...begun, ...(listed === undefined ? [] : [listed])]
    .filter((attempt) => partsOfAttempt(attempt).step < step)
    .sort((one, other) => partsOfAttempt(one).step - partsOfAttempt(other).step)
  return saved.at(-1) ?? resumed ?? undefined
}

/** What a version of the catalog says about a joint attempt. */
export type JointFate =
  | 'committed'
  /** A repair listed the attempt, which cannot know whether it was committed. */
  | 'found by repair'
  | 'superseded'
  | 'fenced'
  /** The attempt is below the floor, or was discarded: save again under the next try. */
  | 'dead'
  | 'open'

/**
 * Judges a joint attempt by one version of the catalog. The order matters. A peer may have committed the attempt, and then
 * ended the term: so whether the attempt is listed, or was dropped since, comes before the owner.
 */
export function judgeAttempt(catalog: PagedCatalog, own: TermOwner, attempt: AttemptId): JointFate {
  const entry = catalog.checkpoints.get(partsOfAttempt(attempt).step)
  if (entry?.attempt === attempt && entry.recovered === true) return 'found by repair'
  const fate = fateOf(catalog, attempt)
  if (fate === 'listed' || wasDropped(catalog, attempt)) return 'committed'
  const standing = standingOf(catalog, own)
  if (standing === 'superseded') return 'superseded'
  if (standing !== 'owner') return 'fenced'
  return fate
}

/** What a part says about the rank that wrote it. */
export interface PartOrigin {
  readonly rank: number
  readonly term: number
  /** The attempt from which the term of the rank resumed; `null` if it began without a checkpoint. */
  readonly resumed: AttemptId | null
}

export type CompletionStep =
  | { readonly kind: 'complete' }
  | { readonly kind: 'wait'; readonly missing: readonly number[] }
  /** The parts do not belong together. */
  | { readonly kind: 'torn'; readonly one: PartOrigin; readonly other: PartOrigin }

/** Whether the parts make a whole checkpoint: one of each rank, all of one term that resumed from one checkpoint. */
export function completionStep(parts: readonly PartOrigin[], size: number): CompletionStep {
  const missing = missingRanks(
    parts.map(({ rank }) => rank),
    size,
  )
  if (missing.length > 0) return { kind: 'wait', missing }
  const [one] = parts
  const other = parts.find(({ term, resumed }) => term !== one?.term || resumed !== one.resumed)
  return one === undefined || other === undefined ? { kind: 'complete' } : { kind: 'torn', one, other }
}

/**
 * Polls for which the others leave the commit to the first rank. A rank that has just begun to wait needs about one second for
 * them, and one that has waited for long about 12 seconds.
 */
const pollsOfFirst = 6

/**
 * The number of polls for which a rank sees a complete attempt before it commits the attempt itself. One rank acts at once,
 * another after `pollsOfFirst` polls, and with each further poll twice as many. So ranks do not read all parts at the same
 * time, and a dead rank delays the commit only by these polls.
 */
export function pollsBeforeCommit(rank: number, attempt: AttemptId, size: number): number {
  const first = Number.parseInt(attempt.slice(-8), 16) % size
  const distance = (rank - first + size) % size
  return distance === 0 ? 0 : pollsOfFirst - 1 + Math.ceil(Math.log2(distance + 1))
}
