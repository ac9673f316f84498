import type { WholeCatalog } from '../../catalog/pages/index.ts'
import { HoldfastError } from '../../errors.ts'
import { type RewindReport, rewindReport, rewindTarget } from '../upkeep/rewind.ts'
import { commitTogether, type JointChange } from './commit-together.ts'
import type { Member, OwningMember, ResumedMember } from './member.ts'
import { rewindName } from './names.ts'
import { agreeOn, findAgreed, type RewindProposal, rewindProposalSchema } from './proposals.ts'
import { isRewoundSince } from './rules.ts'
import { isOwnerIn } from './take-over.ts'

/** A rewind that the ranks of a term commit once. `base` is the version on which their agreement is based. */
export function rewindTo({ step, attempt, base }: RewindProposal): JointChange {
  return { attempt, change: { kind: 'rewind', step }, isDone: (catalog) => isRewoundSince(catalog, base) }
}

export interface JointRewind {
  /** The member, which continues from the step. */
  readonly member: ResumedMember
  readonly report: RewindReport
}

/**
 * Rewinds to the step on which the ranks of a term agree. Returns `undefined` if a newer term has begun. Rejects with
 * `NOT_FOUND` if the step is not saved, and with `INVALID_ARGUMENT` if other ranks go back to another step.
 */
export async function rewindJointly(
  member: OwningMember,
  step: number,
  timeout: number,
  signal: AbortSignal | undefined,
): Promise<JointRewind | undefined> {
  const { context } = member
  const agreed = await agreeOnRewind(member, step, signal)
  if (agreed === undefined) return undefined
  if (agreed.step !== step) {
    throw new HoldfastError(
      'INVALID_ARGUMENT',
      `The ranks of this job go back to step ${agreed.step}, and this rank to step ${step}. Go back to the same ` +
        'step on all ranks.',
      { url: context.backend.url },
    )
  }
  const before = await versionOf(member, agreed.base, signal)
  const after = await commitTogether(member, rewindTo(agreed), timeout, signal)
  if (after === undefined) return undefined
  const report = rewindReport(context, step, before ?? after, await context.log.wholeOf(after, signal))
  return { member: { ...member, resumed: agreed.attempt }, report }
}

/** Returns `undefined` if a later term has owned the store. */
async function agreeOnRewind(
  member: Member,
  step: number,
  signal: AbortSignal | undefined,
): Promise<RewindProposal | undefined> {
  const { context, own } = member
  const name = rewindName(own.term)
  for (;;) {
    // If another rank has proposed, it may have committed the rewind, too. So the agreement is read before the catalog.
    const known = await findAgreed(context, name, rewindProposalSchema, signal)
    if (known !== undefined) return known.proposal
    const newest = await context.log.newest(signal)
    if (!isOwnerIn(newest, member)) return undefined
    const whole = await context.log.wholeOf(newest, signal)
    const { attempt } = rewindTarget(context, whole, step)
    const proposal = { step, attempt, base: newest.version }
    const agreed = await agreeOn(context, name, rewindProposalSchema, proposal, signal)
    if (agreed !== undefined) return agreed.proposal
  }
}

/** Returns a version of the catalog; `undefined` if it is not stored any more. */
async function versionOf(
  { context: { log } }: Member,
  version: number,
  signal: AbortSignal | undefined,
): Promise<WholeCatalog | undefined> {
  for await (const listed of log.versions(version, signal)) {
    const catalog = listed.version === version ? await log.listed(listed, signal) : undefined
    return catalog && log.wholeOf(catalog, signal)
  }
  return undefined
}
