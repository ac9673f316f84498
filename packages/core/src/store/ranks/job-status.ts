import {
  type AgreementName,
  agreementOfKey,
  agreementsPrefix,
  type AttemptId,
  isAttemptId,
  partsOfAttempt,
  termOfKey,
  termPrefix,
} from '../../catalog/documents/index.ts'
import { fateOf } from '../../catalog/commit/rules/index.ts'
import type { WholeCatalog } from '../../catalog/pages/index.ts'
import type { StoreContext } from '../context/context.ts'
import { namesOf, ranksText, timeText } from './errors.ts'
import { herePrefix, membersPrefix, openName, ranksIn, termsPrefix } from './names.ts'
import { attemptProposalSchema, findAgreed, openSchema } from './proposals.ts'
import { missingRanks } from './rules.ts'

/** A checkpoint that the ranks of a job are saving together, and that is not committed. */
export interface UnfinishedJointSave {
  readonly step: number
  /** The number of ranks of the job. */
  readonly size: number
  /** The ranks that have not delivered their parts. Empty if all have. */
  readonly missing: readonly number[]
  /** When the first part was stored, by the clock of the store. Without a part, when the ranks agreed to save the step. */
  readonly since: Date
}

interface UnfinishedAttempt extends UnfinishedJointSave {
  readonly attempt: AttemptId
}

/** The newest start of a job of many ranks, as far as its agreements show it. */
export interface JobStatus {
  readonly term: number
  readonly size: number
  readonly isOwner: boolean
  /** The ranks that have not joined the term. */
  readonly absent: readonly number[]
  readonly unfinished: readonly UnfinishedAttempt[]
}

/** The agreements of the terms that the store shows, by term. Older terms come first. */
export type StoredTerms = ReadonlyMap<number, readonly StoredName[]>

/** Returns the status of the newest term; `undefined` if the store shows none. Reads a catalog only if there is one. */
async function jobStatus(
  context: StoreContext,
  readCatalog: () => Promise<WholeCatalog>,
  signal: AbortSignal | undefined,
): Promise<JobStatus | undefined> {
  const terms = await storedTerms(context, signal)
  const newest = [...terms.keys()].at(-1)
  return newest === undefined ? undefined : statusOf(context, terms, newest, readCatalog, signal)
}

/** Lists the agreements of all terms. */
export async function storedTerms(
  { backend }: StoreContext,
  signal: AbortSignal | undefined,
): Promise<StoredTerms> {
  const terms = new Map<number, StoredName[]>()
  for await (const { key, modifiedAt } of backend.list(`${agreementsPrefix}${termsPrefix}`, { signal })) {
    const term = termOfKey(key)
    const name = agreementOfKey(key)
    if (term === undefined || name === undefined) continue
    const stored = terms.get(term) ?? []
    stored.push({ name, at: modifiedAt })
    terms.set(term, stored)
  }
  return terms
}

/** Returns the status of one of the terms; `undefined` if the agreement that opened it is lost. */
export async function statusOf(
  context: StoreContext,
  terms: StoredTerms,
  term: number,
  readCatalog: () => Promise<WholeCatalog>,
  signal: AbortSignal | undefined,
): Promise<JobStatus | undefined> {
  const stored = terms.get(term) ?? []
  const open = await findAgreed(context, openName(term), openSchema, signal)
  if (open === undefined) return undefined
  const { size } = open.proposal
  const catalog = await readCatalog()
  const names = stored.map(({ name }) => name)
  const present = new Set([...ranksIn(names, herePrefix(term)), ...ranksIn(names, membersPrefix(term))])
  const parts = partsByAttempt(stored, term)
  const begun = await begunWithoutParts(context, newestTries(stored, term, catalog), parts, signal)
  const unfinished = [...parts, ...begun]
    .filter(([attempt]) => mayBeCommitted(catalog, attempt))
    .map(([attempt, { ranks, since }]) => ({
      attempt,
      step: partsOfAttempt(attempt).step,
      size,
      missing: missingRanks(ranks, size),
      since,
    }))
    .sort((one, other) => one.step - other.step)
  return {
    term,
    size,
    isOwner: catalog.owner?.id === open.id,
    absent: missingRanks(present, size),
    unfinished,
  }
}

/**
 * Returns the last term that may have owned the store; `undefined` if none has. Only its saves can still be committed. If the
 * newest version of the catalog is lost, a later term may have taken the store over with it: one that has passed its barrier,
 * where all of its ranks have shown themselves.
 */
export function lastOwningTerm(
  terms: StoredTerms,
  { term: known = 0 }: Pick<WholeCatalog, 'term'>,
  isNewestLost: boolean,
): number | undefined {
  const passed = isNewestLost
    ? [...terms].findLast(([term, stored]) => hasPassedBarrier(stored, term))
    : undefined
  return Math.max(passed?.[0] ?? 0, known) || undefined
}

/** A rank shows itself once all ranks are members. */
function hasPassedBarrier(stored: readonly StoredName[], term: number): boolean {
  const names = stored.map(({ name }) => name)
  const here = ranksIn(names, herePrefix(term))
  return (
    (here.length > 0 && here.length === ranksIn(names, membersPrefix(term)).length) ||
    names.some((name) => !isOfJoining(name, term))
  )
}

/** Whether ranks create an agreement before their term passes its barrier. */
function isOfJoining(name: AgreementName, term: number): boolean {
  return name === openName(term) || name.startsWith(membersPrefix(term)) || name.startsWith(herePrefix(term))
}

/**
 * Returns the joint saves that can still be committed, in the order of their steps: those of the job that owns the store. Reads
 * only the catalog if the store never had such a job.
 */
export async function unfinishedJointSaves(
  context: StoreContext,
  signal: AbortSignal | undefined,
): Promise<readonly UnfinishedJointSave[]> {
  const catalog = await context.log.whole(signal)
  if (catalog.term === undefined) return []
  const status = await jobStatus(context, () => Promise.resolve(catalog), signal)
  if (status?.isOwner !== true) return []
  return status.unfinished.map(({ step, size, missing, since }) => ({ step, size, missing, since }))
}

/** The ranks of a term do not go back to a step before one that they have saved since. */
function mayBeCommitted(catalog: WholeCatalog, attempt: AttemptId): boolean {
  if (fateOf(catalog, attempt) !== 'open') return false
  const { step, base } = partsOfAttempt(attempt)
  const { latest } = catalog
  return latest === undefined || latest.step <= step || partsOfAttempt(latest.attempt).base < base
}

/** The name of an agreement, and when the store stored it. */
export interface StoredName {
  readonly name: AgreementName
  readonly at: Date
}

interface StoredParts {
  readonly ranks: number[]
  since: Date
}

/** Returns the last attempt that the ranks agreed on for each step after the latest. They may have stored no part of it yet. */
function newestTries(
  stored: readonly StoredName[],
  term: number,
  { latest }: WholeCatalog,
): readonly StoredName[] {
  const prefix = `${termPrefix(term)}attempts/`
  const newest = new Map<number, { readonly tries: number; readonly stored: StoredName }>()
  for (const each of stored) {
    const [step, tries] = each.name.startsWith(prefix)
      ? each.name.slice(prefix.length).split('/').map(Number)
      : []
    if (step === undefined || tries === undefined || step <= (latest?.step ?? -1)) continue
    if (tries >= (newest.get(step)?.tries ?? 0)) newest.set(step, { tries, stored: each })
  }
  return [...newest.values()].map((each) => each.stored)
}

/** Returns the attempts that were agreed on and have no part, as attempts without ranks. */
async function begunWithoutParts(
  context: StoreContext,
  tries: readonly StoredName[],
  parts: ReadonlyMap<AttemptId, StoredParts>,
  signal: AbortSignal | undefined,
): Promise<readonly (readonly [AttemptId, StoredParts])[]> {
  const begun: (readonly [AttemptId, StoredParts])[] = []
  for (const { name, at } of tries) {
    const agreed = await findAgreed(context, name, attemptProposalSchema, signal)
    if (agreed === undefined || parts.has(agreed.proposal.attempt)) continue
    begun.push([agreed.proposal.attempt, { ranks: [], since: at }])
  }
  return begun
}

function partsByAttempt(stored: readonly StoredName[], term: number): ReadonlyMap<AttemptId, StoredParts> {
  const prefix = `${termPrefix(term)}parts/`
  const found = new Map<AttemptId, StoredParts>()
  for (const { name, at } of stored) {
    const [attempt = '', rank = ''] = name.startsWith(prefix) ? name.slice(prefix.length).split('/') : []
    if (!isAttemptId(attempt) || !/^\d+$/.test(rank)) continue
    const parts = found.get(attempt) ?? { ranks: [], since: at }
    parts.ranks.push(Number(rank))
    if (at < parts.since) parts.since = at
    found.set(attempt, parts)
  }
  return found
}

/**
 * Describes the newest start of a job, such as `step 600: 6 of 8 parts, waiting for ranks 2 and 5 for 4 min`; `undefined` if the
 * store shows none.
 */
export async function describeJob(
  context: StoreContext,
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  const status = await jobStatus(context, () => context.log.whole(signal), signal)
  return status && sentenceOf(status, context.environment.now())
}

function sentenceOf({ term, size, isOwner, absent, unfinished }: JobStatus, now: Date): string {
  const started = `term ${term} of ${ranksText(size)}${isOwner ? ', which owns the store' : ''}`
  const joined = absent.length === 0 ? [] : [`${namesOf(absent)} did not join`]
  const saves = unfinished.map(({ step, missing, since }) => {
    const waited = timeText(Math.max(0, now.getTime() - since.getTime()))
    const state =
      missing.length === 0 ? `not committed for ${waited}` : `waiting for ${namesOf(missing)} for ${waited}`
    return `step ${step}: ${size - missing.length} of ${size} parts, ${state}`
  })
  return [started, ...joined, ...saves].join('; ')
}
