import {
  type AttemptId,
  catalogVersionOf,
  attemptOfKey,
  type CatalogEntry,
  formatAfter,
  type Owner,
  type PageId,
  pageOfKey,
  partsOfAttempt,
  rewindOfKey,
  termOfKey,
  versionOfPage,
  writerNoteOf,
  versionOfRewind,
} from '../documents/index.ts'
import type { ErrorHint } from '../../hints.ts'
import type { Judgement } from '../judging/judgement.ts'
import { applyRetention, type KeptLists, type WriterKeeping } from '../judging/keeping.ts'
import { contradiction, keepingOf } from '../judging/recorded-keeping.ts'
import { attemptsOf, idsOf, latestAfter, type PagedCatalog, type WholeCatalog } from '../pages/index.ts'
import {
  applyChange,
  type Change,
  type ChangeOf,
  describeChange,
  recordMetrics,
  type Refusal,
  retentionTerms,
  segmentsAfter,
} from './changes/index.ts'

/** How a writer shares a store: exclusively as its owner, or with other writers without an owner. */
export type WriterMode = 'exclusive' | 'shared'

export interface Writer {
  readonly id: string
  /** A name for messages: host and process. */
  readonly name: string
  readonly mode: WriterMode
  /** The job that this exclusive writer belongs to. The writers of a job follow one another. */
  readonly job?: string | undefined
}

export interface CommitRequest {
  readonly writer: Writer
  /** A unique id. Equal ids identify the same commit. */
  readonly commitId: string
  readonly change: Change
  readonly keeping: WriterKeeping
  /** The current time by the clock of the writer. */
  readonly at: string
}

export type Verdict<C extends PagedCatalog = PagedCatalog> =
  /** The version to create. */
  | { readonly kind: 'next'; readonly catalog: C; readonly judgement: Judgement | undefined }
  /** The newest version already includes the commit. */
  | { readonly kind: 'committed' }
  | ({ readonly kind: 'fenced' } & Fenced)
  /** A repair listed this attempt from a damaged catalog, which may not have known that the attempt was dead. */
  | { readonly kind: 'unknown' }
  | Refusal

/** Why another writer may commit and this one may not. */
interface Fenced {
  readonly why: string
  readonly hint?: ErrorHint | undefined
}

/** The number of the latest commits in the history of a catalog. */
const historyLength = 64

/**
 * Returns the catalog version that follows `newest` with this request, or why the request cannot be committed.
 *
 * The rules of the commit protocol, in the order in which docs/architecture.md numbers them:
 *
 * 1. Owner. Only the writer that the catalog names may commit; where it names none, only shared writers may.
 *    Taking over is the exception, and so are rebuilding a damaged catalog and discarding a failed save. If a job owns
 *    the store, all its writers may commit changes that list no attempt and raise no floor: `mayChange`.
 * 2. Dead attempts. An attempt whose base is below the floor can never be committed. Nor can that of a copy, which
 *    other processes may continue, if the history does not name every commit since.
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
  const { change } = request
  if (hasCommitted(newest, request)) return { kind: 'committed' }
  if (isFoundByRepair(newest, change)) return { kind: 'unknown' }
  if (change.kind === 'begin' && newest.version > 0) return { kind: 'committed' }
  if (isOwnTakeOver(newest, request)) return { kind: 'committed' }
  if (change.kind === 'discard' && fateOf(newest, change.attempt) !== 'open') return { kind: 'committed' }
  const stranger = foreignOwner(newest, request)
  if (stranger !== undefined) return { kind: 'fenced', ...stranger } // rule 1
  if (change.kind === 'save' && (isBelowFloor(newest, change.entry.attempt) || isForgotten(newest, change))) {
    return { kind: 'fenced', why: deadAttempt(change.entry.step) } // rule 2
  }
  if (isJudged(change)) {
    const refused = contradiction(request.keeping, newest)
    if (refused !== undefined) return { kind: 'refused', code: 'INVALID_ARGUMENT', ...refused }
  }
  const { objectives } = keepingOf(request.keeping, newest)
  const applied = applyChange(newest, change, { objectives, at: request.at })
  if (applied.kind === 'refused') return applied
  const lists: KeptLists = { ...applied, metrics: recordMetrics(newest, change) }
  const terms = retentionTerms(change)
  const kept = terms === undefined ? lists : applyRetention(newest, lists, terms, request.keeping, request.at)
  const version = newest.version + 1
  const segments = segmentsAfter(newest, change)
  const { abandoned: _, tries: __, ...unchanged } = newest
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
      ...(applied.tries.length === 0 ? {} : { tries: [...applied.tries] }),
      metrics: kept.metrics,
      ...(kept.keeping === undefined ? {} : { keeping: kept.keeping }),
      history: [
        ...newest.history,
        {
          version,
          commitId: request.commitId,
          at: request.at,
          did: describeChange(change),
          dropped: [...kept.dropped],
        },
      ].slice(-historyLength),
    },
  }
}

/**
 * Rule 6: returns whether the version that this request created at `version` is part of the past of `newest`, which is
 * that version or a later one. The response to the creation is not sufficient, because a proxy may have sent it. A
 * version remains until the floor passes its number, and later versions follow it. So their history contains its commit
 * id. If their history begins later, the version itself is read.
 */
export function lookBack(
  request: CommitRequest,
  version: number,
  newest: PagedCatalog,
): 'committed' | 'lost' | 'fenced' | 'unknown' | 'before its history' {
  if (newest.floor <= version) {
    const standing = newest.history.find((record) => record.version === version)
    if (standing === undefined) return 'before its history'
    return standing.commitId === request.commitId ? 'committed' : 'lost'
  }
  if (hasCommitted(newest, request)) return 'committed'
  if (isFoundByRepair(newest, request.change)) return 'unknown'
  // An attempt is dead if the newest version does not know it and its base is below the floor (rule 2).
  if (request.change.kind === 'save') return 'fenced'
  const oldest = newest.history[0]?.version ?? Infinity
  return oldest <= version ? 'fenced' : 'unknown'
}

/** Rule 4: returns a function that decides by a committed version whether any process may delete an object. */
export function isDeadIn(newest: WholeCatalog): (key: string) => boolean {
  const listed = attemptsOf(newest)
  const dropped = new Set(newest.history.flatMap((record) => record.dropped.map(({ attempt }) => attempt)))
  const { checkpoints, metrics, retired } = newest
  const needed = new Set([
    ...idsOf(checkpoints.pages),
    ...idsOf(metrics.pages),
    ...retired.map(({ page }) => page),
  ])
  const isSettled = (attempt: AttemptId): boolean =>
    listed.has(attempt) || isBelowFloor(newest, attempt) || dropped.has(attempt)
  return (key) => {
    const note = writerNoteOf(key)
    if (note !== undefined) return isSettled(note.attempt)
    const version = catalogVersionOf(key)
    if (version !== undefined) return version < newest.floor
    const page = pageOfKey(key)
    if (page !== undefined) return versionOfPage(page) < newest.floor && !needed.has(page)
    const term = termOfKey(key)
    if (term !== undefined) return term < (newest.term ?? 0)
    const rewind = rewindOfKey(key)
    if (rewind !== undefined) return isRewindDead(newest, versionOfRewind(rewind))
    const attempt = attemptOfKey(key)
    if (attempt === undefined || listed.has(attempt)) return false
    return isBelowFloor(newest, attempt) || dropped.has(attempt)
  }
}

/**
 * Whether no repair needs the rewind that followed a version: it was never committed, or nothing that it left behind or
 * gave an order key is listed any more.
 */
function isRewindDead(newest: WholeCatalog, version: number): boolean {
  const { floor, rewound, checkpoints, quarantined, abandoned = [] } = newest
  const isGiven = ({ order }: CatalogEntry): boolean => order.segment > 0 && order.base === version
  const isLeft = ({ order }: CatalogEntry): boolean => order.base <= version
  const isNeeded =
    rewound?.base === version ||
    checkpoints.all.some(isGiven) ||
    [...abandoned, ...quarantined.map(({ entry }) => entry)].some(isLeft)
  return version < floor && !isNeeded
}

/**
 * Returns the state of an attempt by a version: listed, quarantined or abandoned, dead by rule 4, or undecided. The
 * version must have the lines of its pages if the step may be in them.
 */
export function fateOf(newest: PagedCatalog, attempt: AttemptId): 'listed' | 'dead' | 'open' {
  if (entriesOf(newest, attempt).length > 0) return 'listed'
  return isBelowFloor(newest, attempt) || wasDropped(newest, attempt) ? 'dead' : 'open'
}

/** Rule 4 after a rise of the floor: returns the retired pages that no version from the floor on needs. */
export function pagesPassed(before: PagedCatalog, floor: number): readonly PageId[] {
  return before.retired.flatMap(({ page, since }) => (since <= floor ? [page] : []))
}

/** Rule 1: returns whether this writer may commit after the newest version. */
export function mayCommit(newest: PagedCatalog, writer: Writer): boolean {
  return newest.owner === null ? writer.mode === 'shared' : newest.owner.id === writer.id
}

/**
 * Rule 1: whether this writer may commit a change that neither lists an attempt nor raises the floor. The writers of a job
 * may, so that such a change does not end a save of the job: only a save takes the store over from earlier ones.
 */
export function mayChange(newest: PagedCatalog, writer: Writer): boolean {
  if (mayCommit(newest, writer)) return true
  return writer.job !== undefined && (newest.owner === null || newest.owner.job === writer.job)
}

/** Changes that neither list an attempt nor raise the floor. */
const lightChanges: ReadonlySet<Change['kind']> = new Set([
  'mark good',
  'rewind',
  'attach',
  'delete',
  'forget objective',
  'pin',
  'prune',
  'quarantine',
  'readmit',
  'rewind',
  'unpin',
])

/** Returns whether a change depends on which checkpoints are the best, or records objectives. */
function isJudged({ kind }: Change): boolean {
  return kind === 'save' || kind === 'attach' || kind === 'prune' || kind === 'delete'
}

/**
 * Returns whether the newest version includes this commit, by its id or its attempt. An attempt that a repair listed
 * does not count, because the repair cannot know whether it was committed.
 */
function hasCommitted(newest: PagedCatalog, { commitId, change }: CommitRequest): boolean {
  if (newest.history.some((record) => record.commitId === commitId)) return true
  if (change.kind !== 'save') return false
  const { step, attempt } = change.entry
  const listed = [newest.checkpoints.get(step), ...(newest.abandoned ?? [])]
  const isListed = listed.some((entry) => entry?.attempt === attempt && entry.recovered !== true)
  return isListed || wasDropped(newest, attempt)
}

/** An attempt is committed at most once. A dropped or discarded attempt is never listed again. */
function wasDropped(newest: PagedCatalog, attempt: AttemptId): boolean {
  return newest.history.some(({ dropped }) => dropped.some((drop) => drop.attempt === attempt))
}

/**
 * Returns whether a repair of a damaged catalog has listed or quarantined the attempt. A process that knows the
 * undamaged catalog may be sweeping it now.
 */
function isFoundByRepair(newest: PagedCatalog, change: Change): boolean {
  if (change.kind !== 'save') return false
  return entriesOf(newest, change.entry.attempt).some(({ recovered }) => recovered === true)
}

/** Returns the lines of an attempt, listed, quarantined or abandoned. */
function entriesOf(
  { checkpoints, quarantined, abandoned = [] }: PagedCatalog,
  attempt: AttemptId,
): readonly CatalogEntry[] {
  const listed = checkpoints.get(partsOfAttempt(attempt).step)
  return [
    ...(listed === undefined ? [] : [listed]),
    ...quarantined.map(({ entry }) => entry),
    ...abandoned,
  ].filter((entry) => entry.attempt === attempt)
}

function isBelowFloor(newest: PagedCatalog, attempt: AttemptId): boolean {
  return partsOfAttempt(attempt).base < newest.floor
}

/** All ranks of a term take over as one writer. The first commit of them counts, and raises the floor only once. */
function isOwnTakeOver({ owner }: PagedCatalog, { writer, change }: CommitRequest): boolean {
  return change.kind === 'take over' && change.term !== undefined && owner?.id === writer.id
}

/** An older term never takes over from a newer one, also if the newer one does not own the store any more. */
function isOlderTerm({ term = 0 }: PagedCatalog, change: Change): boolean {
  return change.kind === 'take over' && change.term !== undefined && change.term <= term
}

/**
 * Whether the attempt of a copy may have been committed and dropped by commits that the history no longer names. Other
 * processes continue the attempts of copies, so the process that commits one cannot know it otherwise.
 */
function isForgotten(newest: PagedCatalog, { entry }: ChangeOf<'save'>): boolean {
  return entry.origin !== undefined && !remembersSince(newest, partsOfAttempt(entry.attempt).base)
}

/** Whether the history names every commit after a version. */
export function remembersSince({ history }: PagedCatalog, version: number): boolean {
  const [oldest] = history
  return oldest === undefined || oldest.version <= version + 1
}

function foreignOwner(newest: PagedCatalog, { writer, change }: CommitRequest): Fenced | undefined {
  if (isOlderTerm(newest, change)) {
    return {
      why: `Term ${newest.term ?? 0} of this job owns the store, or has owned it. Restore again to join the job.`,
    }
  }
  if (change.kind === 'rebuild' || change.kind === 'discard' || mayCommit(newest, writer)) return undefined
  if (change.kind === 'take over' && !(change.yields === true && isOwnedByOther(newest, writer)))
    return undefined
  if (lightChanges.has(change.kind) && mayChange(newest, writer)) return undefined
  if (newest.owner === null) {
    if (change.kind === 'readmit') return undefined // this change adds no attempt, so no writer can be too late with it
    return {
      why: 'Another writer took the store over and has released it. Open the store again to write to it.',
    }
  }
  const { name, since, job } = newest.owner
  if (job !== undefined && job === writer.job) {
    return {
      why: `${name} began a later save of the job ${JSON.stringify(job)}, which ends the earlier ones.`,
    }
  }
  return {
    why: `The store belongs to ${name} since ${since}, and only it may write.`,
    hint: { kind: 'take-over', job },
  }
}

function isOwnedByOther({ owner }: PagedCatalog, { job }: Writer): boolean {
  return owner !== null && (owner.job === undefined || owner.job !== job)
}

function nextOwner(newest: PagedCatalog, { writer, change, at }: CommitRequest): Owner | null {
  if (change.kind === 'release' || change.kind === 'rebuild') return null
  if (change.kind !== 'take over') return newest.owner
  if (writer.mode === 'shared') return null
  const { id, name, job } = writer
  return { id, name, since: at, ...(job === undefined ? {} : { job }) }
}

/** The highest term that ever owned the store. It never decreases. */
function nextTerm({ term = 0 }: PagedCatalog, change: Change): { readonly term?: number } {
  if (change.kind !== 'take over' && change.kind !== 'rebuild') return {}
  const highest = Math.max(term, change.term ?? 0)
  return highest === 0 ? {} : { term: highest }
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
    `The save of step ${step} began before a takeover, or took longer than the grace period, ` +
    'so a sweep may have deleted it. Save it again.'
  )
}
