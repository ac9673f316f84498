import { isFileSource } from '../../backend/index.ts'
import {
  agreementKey,
  type AttemptId,
  type CatalogEntry,
  type Manifest,
  newAttemptId,
  partsOfAttempt,
} from '../../catalog/documents/index.ts'
import { lastPagedStep, type PagedCatalog } from '../../catalog/pages/index.ts'
import { refusalOfSave } from '../../catalog/commit/changes/index.ts'
import type { Committed } from '../../catalog/commit/catalog-log.ts'
import { ownSegment } from '../../catalog/commit/segments.ts'
import { assertNoContradiction, keepingOf } from '../../catalog/judging/recorded-keeping.ts'
import { HoldfastError, isHoldfastError } from '../../errors.ts'
import { listAgreements } from '../agreements/agree.ts'
import { FiniteRequirement } from '../attempts/require-finite.ts'
import { deleteKeys } from '../attempts/delete-attempts.ts'
import { deleteDropped } from '../attempts/delete-dropped.ts'
import { withClockJump } from '../save/clocks.ts'
import type { SavePlan } from '../save/plan.ts'
import { sameWithin } from '../save/already-saved.ts'
import type { SaveRequest } from '../save/request.ts'
import { saveAgain } from '../save/save-again.ts'
import type { SaveResult } from '../save/result.ts'
import { findReusable } from '../save/find-reusable.ts'
import { guardSpace } from '../save/space/guard.ts'
import { completeAttempt } from './complete.ts'
import { fencedByOtherWriter, incomplete, superseded } from './errors.ts'
import { resultOf } from './joint-result.ts'
import type { Member, ResumedMember } from './member.ts'
import { attemptName, attemptsPrefix, ofRank, partsPrefix, ranksIn } from './names.ts'
import { writeOwnPart } from './own-part.ts'
import { agreeOn, type AttemptProposal, attemptProposalSchema, type Part } from './proposals.ts'
import { judgeAttempt, missingRanks, pollsBeforeCommit } from './rules.ts'
import { isOwnerIn } from './take-over.ts'
import { look, pollUntil } from './wait.ts'

type Outcome =
  | { readonly kind: 'dead' }
  | {
      readonly kind: 'committed'
      readonly catalog: PagedCatalog
      /** What this rank committed, if it was this one. */
      readonly committed?: Committed | undefined
      /** The manifest, if this rank has read it. */
      readonly manifest?: Manifest | undefined
    }

/**
 * Saves the files of this rank as its part of a checkpoint, and resolves once the whole checkpoint is committed. Any rank
 * that sees all parts commits. Rejects with `INVALID_ARGUMENT` if the term has saved a later step.
 */
export async function saveJointly(
  member: ResumedMember,
  request: SaveRequest,
  plan: SavePlan,
  timeout: number,
): Promise<SaveResult> {
  const { context, access, rank, size } = member
  const began = context.environment.now()
  const finite = request.requireFinite === true ? new FiniteRequirement() : undefined
  let hasRead = false
  for (let tries = 0; ; ) {
    const newest = await context.log.newest(request.signal)
    if (!isOwnerIn(newest, member)) throw superseded(member.own.term, context.backend.url)
    if (!hasRead) {
      const result = await savedBefore(member, newest, request, plan)
      if (result !== undefined) return { ...result, ranks: { rank, size } }
    }
    const previous = newestOfTerm(newest, member)
    refuseGoingBack(request.step, previous, context.backend.url)
    const agreed = await agreeOnAttempt(member, newest, request, tries, began)
    if (agreed === undefined) continue // The proposal depends on the catalog, which must be read again.
    const { attempt } = agreed.proposal
    await refuseExisting(member, newest, request, attempt)
    const toStore = { files: plan.files, packs: request.packs ?? 'auto' }
    const { step, signal } = request
    await guardSpace({ context, access, step, toStore, signal }, newest)
    if (hasRead) assertReplayable(plan, request.step, context.backend.url)
    access.attempts.add(attempt)
    try {
      hasRead = true
      const mayExist = !agreed.isMine && member.begun?.has(attempt) !== false
      member.begun?.add(attempt)
      const { order } = agreed.proposal
      const reuse = await findReusable(context, newest, request, plan.files, { attempt, order })
      const part = await writeOwnPart(member, attempt, { ...request, finite, reuse }, plan.files, mayExist)
      if (part === undefined) continue
      const outcome = await awaitCommit(member, agreed.proposal, request, part, timeout)
      if (outcome.kind === 'dead') {
        tries += 1
        continue
      }
      const { catalog, committed, manifest } = outcome
      if (committed !== undefined) {
        access.afterwards(async () => {
          await deleteDropped(context, committed)
          if (previous !== undefined && previous.step < request.step)
            await deleteAgreements(member, previous.attempt)
          await access.tidyNowAndThen()
        })
      }
      const described = await resultOf(member, agreed.proposal, { part, catalog, committed, manifest })
      const duration = context.environment.now().getTime() - began.getTime()
      const warnings = [...plan.warnings, ...(finite?.warnings ?? [])]
      if (reuse !== undefined && manifest !== undefined) context.manifests.add(manifest)
      return { ...described, ranks: { rank, size }, unchangedBytes: reuse?.bytes ?? 0, warnings, duration }
    } finally {
      access.attempts.delete(attempt)
    }
  }
}

/**
 * Returns the listed checkpoint of the step if it has the files of this rank with the same bytes, also if an earlier term saved
 * it. A save that replaces does not look: then all ranks must write their parts, whatever each of them finds.
 */
async function savedBefore(
  { context, access }: ResumedMember,
  newest: PagedCatalog,
  request: SaveRequest,
  { files }: SavePlan,
): Promise<SaveResult | undefined> {
  const { step, onExisting = 'fail', signal } = request
  if (onExisting === 'replace') return undefined
  const catalog = step > lastPagedStep(newest) ? newest : await context.log.wholeOf(newest, signal)
  const entry = catalog.checkpoints.get(step)
  const manifest = entry && (await sameWithin(context, entry, request, files, true))
  if (entry === undefined || manifest === undefined) return undefined
  await request.beforeCommit?.()
  return saveAgain(context, newest, access, { ...request, keepsOrder: true }, { entry, manifest })
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

async function agreeOnAttempt(
  { context, own }: ResumedMember,
  newest: PagedCatalog,
  { step, signal }: SaveRequest,
  tries: number,
  began: Date,
): Promise<{ readonly proposal: AttemptProposal; readonly isMine: boolean } | undefined> {
  const attempt = newAttemptId(step, newest.version, context.environment.newToken())
  const proposal: AttemptProposal = {
    attempt,
    order: { segment: ownSegment(newest), base: newest.version },
    savedAt: began.toISOString(),
  }
  const name = attemptName(own.term, step, tries)
  const agreed = await agreeOn(context, name, attemptProposalSchema, proposal, signal)
  return agreed && { proposal: agreed.proposal, isMine: agreed.proposal.attempt === attempt }
}

/** Refuses a step that is listed with another attempt, before a byte is written. The commit decides again. */
async function refuseExisting(
  { context }: ResumedMember,
  newest: PagedCatalog,
  { step, onExisting = 'fail', allowBest, signal }: SaveRequest,
  attempt: AttemptId,
): Promise<void> {
  assertNoContradiction(context.keeping, newest)
  const isRecent = step > lastPagedStep(newest)
  if (isRecent && newest.checkpoints.get(step) === undefined) return
  const catalog = await context.log.wholeOf(newest, signal)
  if (catalog.checkpoints.get(step)?.attempt === attempt) return
  const { objectives } = keepingOf(context.keeping, catalog)
  const refused = refusalOfSave(catalog, { step, onExisting, allowBest }, objectives)
  if (refused !== undefined) throw new HoldfastError(refused.code, refused.why, { hint: refused.hint })
}

/** A stream can be read once. After its attempt died, its bytes are gone. */
function assertReplayable({ files }: SavePlan, step: number, url: string): void {
  const stream = files.find(({ source }) => !(source instanceof Uint8Array) && !isFileSource(source))
  if (stream === undefined) return
  throw new HoldfastError(
    'UNAVAILABLE',
    `The save of step ${step} took too long and must begin again, and ${JSON.stringify(stream.name)} is a stream that ` +
      'cannot be read again. Save the step again.',
    { url },
  )
}

/** Waits until the attempt is committed, or commits it once all parts exist and it is the turn of this rank. */
async function awaitCommit(
  member: ResumedMember,
  proposal: AttemptProposal,
  request: SaveRequest,
  part: Part,
  timeout: number,
): Promise<Outcome> {
  const { context, own, rank, size } = member
  const { attempt } = proposal
  const { url } = context.backend
  const { step, signal } = request
  const prefix = partsPrefix(own.term, attempt)
  let missing: readonly number[] = []
  let completePolls = 0
  return pollUntil<Outcome>(
    context,
    timeout,
    signal,
    async () => {
      const newest = await context.log.newest(signal)
      const catalog = step > lastPagedStep(newest) ? newest : await context.log.wholeOf(newest, signal)
      const fate = judgeAttempt(catalog, own, attempt)
      if (fate === 'committed') return { kind: 'committed', catalog }
      if (fate === 'dead') return { kind: 'dead' }
      if (fate === 'superseded') throw superseded(own.term, url)
      if (fate === 'fenced') throw fencedByOtherWriter(url)
      if (fate === 'found by repair') throw foundByRepair(step, url)
      const seen = await look(member, prefix, signal)
      missing = missingRanks(ranksIn(seen.names, prefix), size)
      if (missing.length > 0) {
        if (seen.isSuperseded) throw superseded(own.term, url)
        return undefined
      }
      completePolls += 1
      const isTurn = completePolls > pollsBeforeCommit(rank, attempt, size)
      return isTurn || seen.isSuperseded ? commit(member, proposal, request, part) : undefined
    },
    () => late(missing, size, step, timeout, url),
  )
}

/** Commits a complete attempt. Returns `undefined` if the catalog must judge the attempt again. */
async function commit(
  member: ResumedMember,
  proposal: AttemptProposal,
  { onExisting = 'fail', allowBest, signal }: SaveRequest,
  part: Part,
): Promise<Outcome | undefined> {
  const { context, rank } = member
  const complete = await completeAttempt(member, proposal, signal, { rank, part })
  if (complete === undefined) return undefined
  const entry = { ...withClockJump(context, complete.entry), committedBy: rank }
  try {
    const committed = await context.log.commit({ kind: 'save', entry, onExisting, allowBest }, signal)
    return { kind: 'committed', catalog: committed.catalog, committed, manifest: complete.manifest }
  } catch (error) {
    if (isHoldfastError(error, 'FENCED', 'OUTCOME_UNKNOWN')) return undefined
    throw error
  }
}

function late(
  missing: readonly number[],
  size: number,
  step: number,
  timeout: number,
  url: string,
): HoldfastError {
  if (missing.length === 0) {
    return new HoldfastError(
      'UNAVAILABLE',
      `All parts of step ${step} are stored, and the store took no commit in time. Save the step again with the same files.`,
      { url },
    )
  }
  return incomplete(
    missing,
    size,
    `did not deliver their part of step ${step}`,
    timeout,
    'The step is not committed, and nothing is lost. It is committed if they still deliver before the job starts again.',
    url,
  )
}

function foundByRepair(step: number, url: string): HoldfastError {
  return new HoldfastError(
    'OUTCOME_UNKNOWN',
    `A repair of the catalog has listed step ${step} while it was being saved. Verify the step, and restart all ranks.`,
    { url, hint: { kind: 'verify', step } },
  )
}

/** The agreements on an attempt that is listed are not read again once a later step of the term is listed. */
async function deleteAgreements(member: Member, attempt: AttemptId): Promise<void> {
  const { context, own, size } = member
  const { step } = partsOfAttempt(attempt)
  const prefix = partsPrefix(own.term, attempt)
  const parts = Array.from({ length: size }, (_, rank) => ofRank(prefix, rank))
  const attempts = await Array.fromAsync(listAgreements(context.backend, attemptsPrefix(own.term, step)))
  await deleteKeys(context.backend, [...attempts, ...parts].map(agreementKey))
}
