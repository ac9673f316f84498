import { isFileSource } from '../../backend/index.ts'
import {
  agreementKey,
  type AttemptId,
  type Drop,
  type Manifest,
  partsOfAttempt,
} from '../../catalog/documents/index.ts'
import { lastPagedStep, type PagedCatalog } from '../../catalog/pages/index.ts'
import type { Committed } from '../../catalog/commit/catalog-log.ts'
import { assertNoContradiction } from '../../catalog/judging/recorded-keeping.ts'
import { HoldfastError, isHoldfastError } from '../../errors.ts'
import { listAgreements } from '../agreements/agree.ts'
import { deleteKeys } from '../attempts/delete-attempts.ts'
import { deleteDropped } from '../attempts/delete-dropped.ts'
import { refuseEarly } from '../attempts/refuse-early.ts'
import { withClockJump } from '../save/clocks.ts'
import { effortOf } from '../save/effort.ts'
import type { SavePlan } from '../save/plan.ts'
import type { DecidedSave } from '../save/decided-save.ts'
import type { SaveResult } from '../save/result.ts'
import { prepareContent } from '../save/prepare-content.ts'
import { makeRoomForSave } from '../save/space/make-room.ts'
import { type AgreedSave, agreeOnNextTry } from './agree-on-save.ts'
import { committedManifest, refuseOtherBytes } from './committed-manifest.ts'
import { completeAttempt } from './complete-attempt.ts'
import { fencedByOtherWriter, incomplete, superseded } from './errors.ts'
import { resultOf } from './joint-result.ts'
import type { Member, ResumedMember } from './member.ts'
import { attemptsPrefix, ofRank, partsPrefix, ranksIn } from './names.ts'
import { writeOwnPart } from './own-part.ts'
import type { AttemptProposal, Part } from './proposals.ts'
import { judgeAttempt, missingRanks, pollsBeforeCommit } from './rules.ts'
import { pollTerm, pollUntil, waitReporter } from './wait.ts'

type Outcome =
  | { readonly kind: 'dead' }
  | {
      readonly kind: 'committed'
      readonly catalog: PagedCatalog
      /** What this rank committed, if it was this one. */
      readonly committed?: Committed | undefined
      /** `undefined` if it cannot be read now. */
      readonly manifest: Manifest | undefined
    }

/** A save of which the ranks have agreed on the first attempt. */
export interface JointSave {
  readonly request: DecidedSave
  readonly plan: SavePlan
  readonly began: Date
  /** Milliseconds for which the save waits for other ranks. */
  readonly timeout: number
}

/**
 * Saves the files of this rank as its part of a checkpoint, and resolves once the whole checkpoint is committed. Any rank
 * that sees all parts commits. An attempt that dies is followed by the next try.
 */
export async function saveJointly(
  member: ResumedMember,
  first: AgreedSave,
  { request, plan, began, timeout }: JointSave,
): Promise<SaveResult> {
  const { context, access, rank, size } = member
  const { step } = request
  const { files } = plan
  const madeRoom: Drop[] = []
  let save = first
  for (let tries = 0; ; save = await agreeOnNextTry(member, request, tries, first)) {
    const { proposal, partMayExist, newest, previous } = save
    const { attempt, order } = proposal
    assertNoContradiction(context.keeping, newest, context.backend.url)
    await refuseEarly(context, newest, request, attempt)
    // Other ranks may have stored their parts of the attempt. Making room must not end it.
    access.attempts.add(attempt)
    try {
      madeRoom.push(...(await makeRoomForSave(context, access, request, files, newest)))
      if (save !== first) assertReplayable(plan, step, context.backend.url)
      using chosen = context.sharing.begin()
      const content = await prepareContent(context, newest, request, files, { attempt, order, chosen })
      const part = await writeOwnPart(member, attempt, content, files, partMayExist)
      if (part === undefined) continue
      const outcome = await awaitCommit(member, save, request, part, timeout)
      if (outcome.kind === 'dead') {
        tries += 1
        continue
      }
      const { catalog, committed, manifest } = outcome
      if (committed !== undefined) {
        access.afterwards(async () => {
          await deleteDropped(context, committed)
          if (previous !== undefined && previous.step < step) await deleteAgreements(member, previous.attempt)
          await access.tidyNowAndThen()
        })
      }
      const described = resultOf(member, proposal, { part, catalog, committed, manifest, madeRoom })
      if (content.reuse !== undefined && committed !== undefined && manifest !== undefined)
        context.manifests.add(manifest)
      return { ...described, ranks: { rank, size }, ...effortOf(context, content, plan, began) }
    } finally {
      access.attempts.delete(attempt)
    }
  }
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
  { proposal, partMayExist }: AgreedSave,
  request: DecidedSave,
  part: Part,
  timeout: number,
): Promise<Outcome> {
  const { context, own, rank, size } = member
  const { attempt } = proposal
  const { url } = context.backend
  const { step, signal } = request
  const prefix = partsPrefix(own.term, attempt)
  const report = waitReporter(member, 'save')
  let missing: readonly number[] = []
  let completePolls = 0
  let wasCommittedBefore: boolean | undefined
  return pollUntil<Outcome>(
    context,
    timeout,
    signal,
    async () => {
      const newest = await context.log.newest(signal)
      const catalog = step > lastPagedStep(newest) ? newest : await context.log.wholeOf(newest, signal)
      const fate = judgeAttempt(catalog, own, attempt)
      wasCommittedBefore ??= fate === 'committed'
      if (fate === 'committed') {
        const partMayBeSecond = wasCommittedBefore && partMayExist && part.files.length > 0
        const manifest = await committedManifest(member, attempt, catalog, part, partMayBeSecond)
        return { kind: 'committed', catalog, manifest }
      }
      if (fate === 'dead') return { kind: 'dead' }
      if (fate === 'superseded') throw superseded(own.term, url)
      if (fate === 'fenced') throw fencedByOtherWriter(url)
      if (fate === 'found by repair') throw foundByRepair(step, url)
      const seen = await pollTerm(member, prefix, signal)
      missing = missingRanks(ranksIn(seen.names, prefix), size)
      if (missing.length > 0) {
        if (seen.isSuperseded) throw superseded(own.term, url)
        report(missing)
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
  { onExisting, allowBest, signal }: DecidedSave,
  part: Part,
): Promise<Outcome | undefined> {
  const { context, rank } = member
  const complete = await completeAttempt(member, proposal, signal, { rank, part })
  if (complete === undefined) return undefined
  refuseOtherBytes(member, part, complete.manifest)
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
      `All parts of step ${step} are stored, but the store accepted no commit in time. Save the step again with the same files.`,
      { url },
    )
  }
  return incomplete({
    missing,
    size,
    what: `did not deliver ${missing.length === 1 ? 'its' : 'their'} part of step ${step}`,
    timeout,
    advice:
      'The step is not committed, and nothing is lost. It is committed if the missing parts still arrive before the job starts again.',
    limit: 'save',
    url,
  })
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
