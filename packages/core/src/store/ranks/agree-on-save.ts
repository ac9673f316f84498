import {
  type AttemptId,
  newAttemptId,
  type CatalogEntry,
  partsOfAttempt,
} from '../../catalog/documents/index.ts'
import { lastPagedStep, type PagedCatalog } from '../../catalog/pages/index.ts'
import { ownSegment } from '../../catalog/commit/segments.ts'
import { HoldfastError } from '../../errors.ts'
import { sameWithin } from '../save/already-saved.ts'
import type { SavePlan } from '../save/plan.ts'
import type { DecidedSave } from '../save/decided-save.ts'
import type { SaveResult } from '../save/result.ts'
import { saveAgain } from '../save/save-again.ts'
import { superseded } from './errors.ts'
import type { ResumedMember } from './member.ts'
import { attemptName, ofRank, partsPrefix } from './names.ts'
import { agreeOn, type AttemptProposal, attemptProposalSchema, findAgreed, partSchema } from './proposals.ts'
import { continuedBy } from './rules.ts'
import { isOwnerIn } from './take-over.ts'

/** A save on which the ranks have agreed. */
export interface AgreedSave {
  readonly kind: 'agreed'
  readonly proposal: AttemptProposal
  /** Whether this process may have written its part of the attempt before. */
  readonly partMayExist: boolean
  /** The version of the catalog that was read before the agreement. */
  readonly newest: PagedCatalog
  /** The checkpoint that the term had saved last. */
  readonly previous: CatalogEntry | undefined
}

export type BegunSave = AgreedSave | { readonly kind: 'saved'; readonly result: SaveResult }

/**
 * Agrees with the other ranks on the first attempt at a save, or returns the checkpoint that is saved already. The saves of a
 * process MUST agree in the order in which they were called. So each knows the one before it, and their order is that of the
 * steps. Rejects with `INVALID_ARGUMENT` if the term has saved a later step.
 */
export async function beginSave(
  member: ResumedMember,
  request: DecidedSave,
  plan: SavePlan,
  began: Date,
): Promise<BegunSave> {
  const { context, rank, size } = member
  for (;;) {
    const newest = await context.log.newest(request.signal)
    if (!isOwnerIn(newest, member)) throw superseded(member.own.term, context.backend.url)
    const result = await savedBefore(member, newest, request, plan)
    if (result !== undefined) return { kind: 'saved', result: { ...result, ranks: { rank, size } } }
    const previous = newestOfTerm(newest, member)
    refuseGoingBack(request.step, previous, context.backend.url)
    const save = await agreeOnTry(member, newest, request, 0, {
      order: { segment: ownSegment(newest), base: newest.version },
      savedAt: began.toISOString(),
      continues: continuedBy(request.step, {
        begun: [...member.begun].filter((attempt) => !member.failed.has(attempt)),
        listed: previous?.attempt,
        resumed: member.resumed,
      }),
    })
    // Without an agreement, the catalog must be read again, because the proposal depends on it.
    if (save !== undefined) return { ...save, previous }
  }
}

/** Lets no later save continue from this step, whose save failed. If other ranks commit it, the catalog lists it. */
export function noteFailed({ begun, failed }: ResumedMember, step: number): void {
  for (const attempt of begun) if (partsOfAttempt(attempt).step === step) failed.add(attempt)
}

/** Agrees on a further try at a save whose attempt is dead. It is the same save, and begins when the first try began. */
export async function agreeOnNextTry(
  member: ResumedMember,
  request: DecidedSave,
  tries: number,
  first: AgreedSave,
): Promise<AgreedSave> {
  const { context, own } = member
  for (;;) {
    const newest = await context.log.newest(request.signal)
    if (!isOwnerIn(newest, member)) throw superseded(own.term, context.backend.url)
    const save = await agreeOnTry(member, newest, request, tries, first.proposal)
    if (save !== undefined) return { ...save, previous: first.previous }
  }
}

/** Returns `undefined` if the proposal disappeared. */
async function agreeOnTry(
  member: ResumedMember,
  newest: PagedCatalog,
  { step, signal }: DecidedSave,
  tries: number,
  { order, savedAt, continues }: Omit<AttemptProposal, 'attempt'>,
): Promise<Omit<AgreedSave, 'previous'> | undefined> {
  const { context, own, begun, failed, hadEarlierProcess } = member
  const attempt = newAttemptId(step, newest.version, context.environment.newToken())
  const proposal: AttemptProposal = {
    attempt,
    order,
    savedAt,
    ...(continues === undefined ? {} : { continues }),
  }
  const name = attemptName(own.term, step, tries)
  const agreed = await agreeOn(context, name, attemptProposalSchema, proposal, signal)
  if (agreed === undefined) return undefined
  const isMine = agreed.proposal.attempt === attempt
  const partMayExist = !isMine && (hadEarlierProcess || begun.has(agreed.proposal.attempt))
  begun.add(agreed.proposal.attempt)
  failed.delete(agreed.proposal.attempt)
  return { kind: 'agreed', proposal: agreed.proposal, partMayExist, newest }
}

/**
 * Returns the listed checkpoint of the step if this rank has saved the same files with the same bytes in it, also if an earlier term saved
 * it. A save that replaces does not look: then all ranks must write their parts, whatever each of them finds.
 */
async function savedBefore(
  member: ResumedMember,
  newest: PagedCatalog,
  request: DecidedSave,
  { files }: SavePlan,
): Promise<SaveResult | undefined> {
  const { context, access } = member
  const { step, onExisting, signal } = request
  if (onExisting === 'replace') return undefined
  const catalog = step > lastPagedStep(newest) ? newest : await context.log.wholeOf(newest, signal)
  const entry = catalog.checkpoints.get(step)
  const manifest = entry && (await sameWithin(context, entry, request, files, true))
  if (entry === undefined || manifest === undefined) return undefined
  if (!(await isOwnPart(member, entry.attempt, files, signal))) return undefined
  await request.beforeCommit?.()
  return saveAgain(context, newest, access, { ...request, keepsOrder: true }, { entry, manifest })
}

/**
 * Whether this rank has saved files with these names. Its part has the names until a later step of the term is listed. Without a
 * part, nothing shows which rank saved a file, and the result is true.
 */
async function isOwnPart(
  { context, own, rank }: ResumedMember,
  attempt: AttemptId,
  files: SavePlan['files'],
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const found = await findAgreed(context, ofRank(partsPrefix(own.term, attempt), rank), partSchema, signal)
  if (found === undefined) return true
  const saved = new Set(found.proposal.files.map(({ name }) => name))
  return saved.size === files.length && files.every(({ name }) => saved.has(name))
}

/** The checkpoint that the term has saved last. */
function newestOfTerm({ latest }: PagedCatalog, { since }: ResumedMember): CatalogEntry | undefined {
  return latest !== undefined && partsOfAttempt(latest.attempt).base >= since ? latest : undefined
}

/** The ranks of a term go back together, by a restore, or not at all. */
function refuseGoingBack(step: number, previous: CatalogEntry | undefined, url: string): void {
  if (previous === undefined || step >= previous.step) return
  throw new HoldfastError(
    'INVALID_ARGUMENT',
    `Step ${step} is before step ${previous.step}, which this start of the job has saved. To go back, let all ranks join ` +
      'the job again.',
    { url, hint: { kind: 'join-job' } },
  )
}
