import * as rules from '../../src/catalog/commit/rules/index.ts'
import { attemptOfKey, partsOfAttempt } from '../../src/catalog/documents/index.ts'
import { attemptsOf, type WholeCatalog } from '../../src/catalog/pages/index.ts'
import { entryOf, time } from './entries.ts'

/** The rules of the product, and how the actors of the model use them. A broken variant changes one of them. */
export interface Protocol {
  readonly nextCatalog: (newest: WholeCatalog, request: rules.CommitRequest) => rules.Verdict<WholeCatalog>
  readonly lookBack: typeof rules.lookBack
  readonly isDead: (newest: WholeCatalog, key: string) => boolean
  /** The attempts that a repair does not list, because the catalog has them. */
  readonly keptBy: typeof attemptsOf
  readonly skipsLookBack: boolean
  readonly acknowledgesBeforeCommit: boolean
  readonly deletesBeforeCommit: boolean
  readonly lostAnswerMeans: 'read back' | 'success' | 'lost race'
  /** The attempt of a failed save is deleted without a commit that declares it dead. */
  readonly deletesFailedAtOnce: boolean
  readonly rebuildsWithoutFence: boolean
  /**
   * Raises the floor without a look at the versions from the old floor on. The product looks directly before it creates the
   * version, and the model in the same step. So the model does not show a loss between the two.
   */
  readonly raisesFloorOverGaps: boolean
}

export const product: Protocol = {
  nextCatalog: rules.nextCatalog,
  lookBack: rules.lookBack,
  isDead: (newest, key) => rules.isDeadIn(newest)(key),
  keptBy: attemptsOf,
  skipsLookBack: false,
  acknowledgesBeforeCommit: false,
  deletesBeforeCommit: false,
  lostAnswerMeans: 'read back',
  deletesFailedAtOnce: false,
  rebuildsWithoutFence: false,
  raisesFloorOverGaps: false,
}

/** Protocols that each break one rule. The model must detect every one. */
export const brokenProtocols: Readonly<Record<string, Protocol>> = {
  'no look-back after the commit': { ...product, skipsLookBack: true },
  'a look-back that compares numbers, not commit ids': { ...product, lookBack: byNumber },
  'a version below the floor that decides what was dropped': { ...product, lookBack: byOwnVersion },
  'no floor check': { ...product, nextCatalog: withoutFloorCheck },
  'acknowledgement before the commit': { ...product, acknowledgesBeforeCommit: true },
  'delete before the commit': { ...product, deletesBeforeCommit: true },
  'sweep by age alone': { ...product, isDead: byAgeAlone },
  'a lost answer taken for a lost race': { ...product, lostAnswerMeans: 'lost race' },
  'a lost answer taken for success': { ...product, lostAnswerMeans: 'success' },
  'a failed save that is deleted without a commit': { ...product, deletesFailedAtOnce: true },
  'a lost catalog that is rebuilt without a fence': { ...product, rebuildsWithoutFence: true },
  'a floor that is raised although versions are lost': { ...product, raisesFloorOverGaps: true },
  'a job whose earlier command saves on after a later one took over': {
    ...product,
    nextCatalog: asOneWriter,
  },
  'a best that may be deleted and replaced': { ...product, nextCatalog: withoutProtectionOfTheBest },
  'a replacement of what was saved since': { ...product, nextCatalog: replacingAnything },
  'a latest that is the highest step': { ...product, nextCatalog: withLatestByStep },
  'a rewind that forgets the saves under way': { ...product, nextCatalog: withoutRewinds },
  'a sweep that takes what was abandoned for dead': {
    ...product,
    isDead: ({ abandoned: _, ...newest }, key) => product.isDead(newest, key),
  },
  'a sweep that ignores what can be undone': {
    ...product,
    isDead: ({ removed: _, ...newest }, key) => product.isDead(newest, key),
  },
  'a sweep that deletes what was removed without a commit': { ...product, isDead: takingTheRemoved },
  'an undo of what was dropped for good': { ...product, nextCatalog: undoingAnything },
  'an undo over a step that was saved again': { ...product, nextCatalog: undoingOverOthers },
  'a rewind that forgets what was removed': { ...product, nextCatalog: rewindingOnlyTheList },
  'a repair that lists what was removed': {
    ...product,
    keptBy: ({ removed: _, ...known }) => attemptsOf(known),
  },
  'a pin that a replacement passes over': { ...product, nextCatalog: withoutPins },
}

/** Takes the removed for deleted, although an undo may be on its way. */
function takingTheRemoved(newest: WholeCatalog, key: string): boolean {
  const attempt = attemptOfKey(key)
  const isRemoved = newest.removed?.some(({ entry }) => entry.attempt === attempt) ?? false
  return isRemoved || product.isDead(newest, key)
}

/** Lists what the undo chose, whether it can still be undone or not. */
function undoingAnything(newest: WholeCatalog, request: rules.CommitRequest): rules.Verdict<WholeCatalog> {
  const { change } = request
  if (change.kind !== 'undo') return rules.nextCatalog(newest, request)
  const { removed = [], version } = newest
  const listed = attemptsOf(newest)
  const forgotten = change.attempts
    .filter((attempt) => !listed.has(attempt))
    .map((attempt) => entryOf(partsOfAttempt(attempt).step, attempt))
    .map((entry) => ({ entry, version, at: time, until: time, because: 'removed' }))
  return rules.nextCatalog({ ...newest, removed: [...removed, ...forgotten] }, request)
}

function undoingOverOthers(newest: WholeCatalog, request: rules.CommitRequest): rules.Verdict<WholeCatalog> {
  const { change } = request
  if (change.kind !== 'undo') return rules.nextCatalog(newest, request)
  const steps = new Set(change.attempts.map((attempt) => partsOfAttempt(attempt).step))
  const checkpoints = newest.checkpoints.filter(({ step }) => !steps.has(step))
  return rules.nextCatalog({ ...newest, checkpoints }, request)
}

function rewindingOnlyTheList(
  newest: WholeCatalog,
  request: rules.CommitRequest,
): rules.Verdict<WholeCatalog> {
  const { removed, ...others } = newest
  if (request.change.kind !== 'rewind' || removed === undefined) return rules.nextCatalog(newest, request)
  const verdict = rules.nextCatalog(others, request)
  if (verdict.kind !== 'next') return verdict
  return { ...verdict, catalog: { ...verdict.catalog, removed } }
}

/** Any command of the job that owns the store counts as its owner. */
function asOneWriter(newest: WholeCatalog, request: rules.CommitRequest): rules.Verdict<WholeCatalog> {
  const { owner } = newest
  const { writer, change } = request
  if (owner?.job === undefined || owner.job !== writer.job || change.kind === 'take over')
    return rules.nextCatalog(newest, request)
  const verdict = rules.nextCatalog(
    { ...newest, floor: 0 },
    { ...request, writer: { ...writer, id: owner.id } },
  )
  if (verdict.kind !== 'next') return verdict
  return { ...verdict, catalog: { ...verdict.catalog, floor: Math.max(newest.floor, verdict.catalog.floor) } }
}

function withoutProtectionOfTheBest(
  newest: WholeCatalog,
  request: rules.CommitRequest,
): rules.Verdict<WholeCatalog> {
  const { change } = request
  if (change.kind !== 'save' && change.kind !== 'delete') return rules.nextCatalog(newest, request)
  return rules.nextCatalog(newest, { ...request, change: { ...change, allowBest: true } })
}

function withoutPins(newest: WholeCatalog, request: rules.CommitRequest): rules.Verdict<WholeCatalog> {
  if (request.change.kind !== 'save') return rules.nextCatalog(newest, request)
  const unpinned = newest.checkpoints.all.map(({ pinned: _, ...entry }) => entry)
  return rules.nextCatalog({ ...newest, checkpoints: newest.checkpoints.replacedBy(unpinned) }, request)
}

function withLatestByStep(newest: WholeCatalog, request: rules.CommitRequest): rules.Verdict<WholeCatalog> {
  const verdict = rules.nextCatalog(newest, request)
  if (verdict.kind !== 'next') return verdict
  return { ...verdict, catalog: { ...verdict.catalog, latest: verdict.catalog.checkpoints.all.at(-1) } }
}

function replacingAnything(newest: WholeCatalog, request: rules.CommitRequest): rules.Verdict<WholeCatalog> {
  const { change } = request
  if (change.kind !== 'save') return rules.nextCatalog(newest, request)
  return rules.nextCatalog(newest, { ...request, change: { ...change, replaces: undefined } })
}

/** A save looks only at its step, not at when it began. */
function withoutRewinds(newest: WholeCatalog, request: rules.CommitRequest): rules.Verdict<WholeCatalog> {
  if (request.change.kind !== 'save') return rules.nextCatalog(newest, request)
  const { rewound, ...others } = newest
  const verdict = rules.nextCatalog(others, request)
  if (verdict.kind !== 'next' || rewound === undefined) return verdict
  return { ...verdict, catalog: { ...verdict.catalog, rewound } }
}

function withoutFloorCheck(newest: WholeCatalog, request: rules.CommitRequest): rules.Verdict<WholeCatalog> {
  const verdict = rules.nextCatalog({ ...newest, floor: 0 }, request)
  if (verdict.kind !== 'next') return verdict
  return {
    ...verdict,
    catalog: { ...verdict.catalog, floor: Math.max(newest.floor, verdict.catalog.floor) },
  }
}

/** Trusts a response that reports a creation while the number cannot have been swept. */
function byNumber(
  ...[request, version, newest]: Parameters<typeof rules.lookBack>
): ReturnType<typeof rules.lookBack> {
  return newest.floor <= version ? 'committed' : rules.lookBack(request, version, newest)
}

/** Lets the created version decide what was dropped, although the newest one need not follow it. */
function byOwnVersion(
  ...[request, version, newest]: Parameters<typeof rules.lookBack>
): ReturnType<typeof rules.lookBack> {
  const outcome = rules.lookBack(request, version, newest)
  return outcome === 'included' ? 'committed' : outcome
}

/** Treats every unlisted attempt as old enough, because a pause can be longer than any age. */
function byAgeAlone(newest: WholeCatalog, key: string): boolean {
  const attempt = attemptOfKey(key)
  return attempt === undefined ? product.isDead(newest, key) : !attemptsOf(newest).has(attempt)
}
