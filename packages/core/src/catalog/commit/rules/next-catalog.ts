import { formatAfter, partsOfAttempt } from '../../documents/index.ts'
import type { Judgement } from '../../judging/judgement.ts'
import { applyRetention, type KeptLists } from '../../judging/keeping.ts'
import { contradiction, keepingOf } from '../../judging/recorded-keeping.ts'
import { latestAfter, type PagedCatalog, type WholeCatalog } from '../../pages/index.ts'
import {
  applyChange,
  type Change,
  type ChangeOf,
  describeChange,
  mirrorAfter,
  recordMetrics,
  type Refusal,
  retentionTerms,
  segmentsAfter,
} from '../changes/index.ts'
import { fateOf, isBelowFloor, remembersSince, wasDiscarded } from './dead.ts'
import { hasCommitted, isFoundByRepair } from './look-back.ts'
import { type Fenced, foreignOwner, isOwnTakeOver, nextOwner, nextTerm } from './ownership.ts'
import { removalsOf } from './removals.ts'
import type { CommitRequest } from './writer.ts'

export type Verdict<C extends PagedCatalog = PagedCatalog> =
  /** The version to create. */
  | { readonly kind: 'next'; readonly catalog: C; readonly judgement: Judgement | undefined }
  /** The newest version already includes the commit. */
  | { readonly kind: 'committed' }
  | ({ readonly kind: 'fenced' } & Fenced)
  /** A repair listed this attempt from a damaged catalog, which may not have known that the attempt was dead. */
  | { readonly kind: 'unknown' }
  | Refusal

/** The number of the latest commits in the history of a catalog. */
const historyLength = 64

/**
 * Returns the catalog version that follows `newest` with this request, or why the request cannot be committed.
 *
 * The rules of the commit protocol, in the order in which docs/architecture.md numbers them:
 *
 * 1. Owner. Only the writer that the catalog names may commit; where it names none, only shared writers may.
 *    Taking over is the exception, and so are rebuilding a damaged catalog and discarding a failed save. If a job owns
 *    the store, all its writers may commit changes that list no attempt for the first time and raise no floor: `mayChange`.
 * 2. Dead attempts. An attempt whose base is below the floor, or that was discarded, can never be committed. Nor can
 *    that of a copy, which other processes may continue, if the history does not name every commit since.
 * 3. The floor only grows, and never passes the version that carries it.
 * 4. Only what a committed version declares dead may be deleted, also by the writer whose save has failed: `isDeadIn`.
 * 5. Takeover names the new owner and raises the floor to itself: every older attempt is dead at that moment.
 * 6. After its create every commit looks for newer versions, and was committed only if it is part of their
 *    past: `lookBack`.
 * 7. A commit has three outcomes: committed, lost or unknown. If neither the store nor rule 6 decides, it is unknown.
 */
export function nextCatalog(newest: WholeCatalog, request: CommitRequest): Verdict<WholeCatalog>
export function nextCatalog(newest: PagedCatalog, request: CommitRequest): Verdict
export function nextCatalog(newest: PagedCatalog, request: CommitRequest): Verdict {
  for (const rule of rules) {
    const verdict = rule(newest, request)
    if (verdict !== undefined) return verdict
  }
  return nextVersion(newest, request)
}

/** What a rule decides. `undefined` leaves the decision to the rules after it. */
type Rule = (newest: PagedCatalog, request: CommitRequest) => Exclude<Verdict, { kind: 'next' }> | undefined

/** The rules that decide without computing the next version. The first that decides counts. */
const rules: readonly Rule[] = [
  alreadyCommitted,
  listedByRepair,
  alreadyDone,
  ownedByOther, // rule 1
  ofDeadAttempt, // rule 2
  contradictory,
]

function alreadyCommitted(newest: PagedCatalog, request: CommitRequest): ReturnType<Rule> {
  return hasCommitted(newest, request) ? { kind: 'committed' } : undefined
}

function listedByRepair(newest: PagedCatalog, { change }: CommitRequest): ReturnType<Rule> {
  return isFoundByRepair(newest, change) ? { kind: 'unknown' } : undefined
}

function alreadyDone(newest: PagedCatalog, request: CommitRequest): ReturnType<Rule> {
  const { change } = request
  const isDone =
    (change.kind === 'begin' && newest.version > 0) ||
    isOwnTakeOver(newest, request) ||
    (change.kind === 'discard' && fateOf(newest, change.attempt) !== 'open')
  return isDone ? { kind: 'committed' } : undefined
}

function ownedByOther(newest: PagedCatalog, request: CommitRequest): ReturnType<Rule> {
  const stranger = foreignOwner(newest, request)
  return stranger && { kind: 'fenced', ...stranger }
}

function ofDeadAttempt(newest: PagedCatalog, { change }: CommitRequest): ReturnType<Rule> {
  if (change.kind !== 'save') return undefined
  const { attempt, step } = change.entry
  if (wasDiscarded(newest, attempt)) return { kind: 'fenced', why: discardedAttempt(step) }
  return isBelowFloor(newest, attempt) || isForgotten(newest, change)
    ? { kind: 'fenced', why: deadAttempt(step) }
    : undefined
}

function contradictory(newest: PagedCatalog, { change, keeping }: CommitRequest): ReturnType<Rule> {
  const refused = isJudged(change) ? contradiction(keeping, newest) : undefined
  return refused && { kind: 'refused', code: 'INVALID_ARGUMENT', ...refused }
}

/** Applies the change and the retention. Returns why it cannot if the catalog does not allow the change. */
function nextVersion(newest: PagedCatalog, request: CommitRequest): Verdict {
  const { change } = request
  const { objectives } = keepingOf(request.keeping, newest)
  const applied = applyChange(newest, change, { objectives, at: request.at })
  if (applied.kind === 'refused') return applied
  const lists: KeptLists = { ...applied, metrics: recordMetrics(newest, change) }
  const terms = retentionTerms(change)
  const kept = terms === undefined ? lists : applyRetention(newest, lists, terms, request.keeping, request.at)
  const version = newest.version + 1
  const segments = segmentsAfter(newest, change)
  const mirror = mirrorAfter(newest, change, kept.dropped)
  const removals = removalsOf(newest, request, kept.dropped)
  if (removals.kind === 'refused') return removals
  const { removed, dropped } = removals
  const undoable = [...applied.removed, ...removed]
  const { abandoned: _, removed: __, tries: ___, mirror: ____, ...unchanged } = newest
  return {
    kind: 'next',
    judgement: kept.judgement,
    catalog: {
      ...unchanged,
      format: formatAfter('catalog', newest.format),
      version,
      commitId: request.commitId,
      committedAt: request.at,
      owner: nextOwner(newest, request), // rule 5
      floor: nextFloor(newest, change), // rules 3 and 5
      ...nextTerm(newest, change),
      ...(segments === undefined ? {} : { segments }),
      checkpoints: kept.checkpoints,
      latest: latestAfter(kept.checkpoints, newest.latest),
      quarantined: [...applied.quarantined],
      ...(applied.rewound === undefined ? {} : { rewound: applied.rewound }),
      ...(kept.abandoned.length === 0 ? {} : { abandoned: [...kept.abandoned] }),
      ...(undoable.length === 0 ? {} : { removed: undoable }),
      ...(applied.tries.length === 0 ? {} : { tries: [...applied.tries] }),
      metrics: kept.metrics,
      ...(kept.keeping === undefined ? {} : { keeping: kept.keeping }),
      ...(mirror === undefined ? {} : { mirror }),
      history: [
        ...newest.history,
        {
          version,
          commitId: request.commitId,
          at: request.at,
          did: describeChange(change),
          dropped: [...dropped],
        },
      ].slice(-historyLength),
    },
  }
}

/** Returns whether a change depends on which checkpoints are the best, or records objectives. */
function isJudged({ kind }: Change): boolean {
  return kind === 'save' || kind === 'attach' || kind === 'prune' || kind === 'delete'
}

/**
 * Whether the attempt of a copy may have been committed and dropped by commits that the history no longer names. Other
 * processes continue the attempts of copies, so the process that commits one cannot know it otherwise.
 */
function isForgotten(newest: PagedCatalog, { entry }: ChangeOf<'save'>): boolean {
  return entry.origin !== undefined && !remembersSince(newest, partsOfAttempt(entry.attempt).base)
}

function nextFloor(newest: PagedCatalog, change: Change): number {
  const version = newest.version + 1
  if (change.kind === 'take over' || change.kind === 'rebuild') return version
  const floor = Math.max(newest.floor, floorOfForgotten(newest))
  if (change.kind !== 'raise floor') return floor
  return Math.min(Math.max(floor, change.floor), version)
}

/**
 * Any rank of a job may commit an attempt, also one that slept since. So an attempt that was dropped is dead before the
 * history forgets that it was dropped.
 */
function floorOfForgotten({ term, history }: PagedCatalog): number {
  if (term === undefined) return 0
  const forgotten = history.slice(0, Math.max(0, history.length + 1 - historyLength))
  const bases = forgotten.flatMap(({ dropped }) => dropped.map(({ attempt }) => partsOfAttempt(attempt).base))
  return Math.max(0, ...bases.map((base) => base + 1))
}

function deadAttempt(step: number): string {
  return (
    `The save of step ${step} came too late: another writer took the store over, or the save took longer than the grace period. ` +
    'Save it again.'
  )
}

function discardedAttempt(step: number): string {
  return `Another process discarded the save of step ${step}, and may have deleted its files. Save it again.`
}
