import { CatalogLog } from '../../catalog/commit/catalog-log.ts'
import type { Writer } from '../../catalog/commit/rules/index.ts'
import type { AttemptId } from '../../catalog/documents/index.ts'
import type { StoreContext } from '../context/context.ts'
import { ranksText } from './errors.ts'
import { WriteAccess } from '../upkeep/write-access.ts'
import type { TermOwner } from './rules.ts'

/** One process of a rank, from its start on. */
export interface RankIdentity {
  readonly rank: number
  readonly size: number
  /** A UUID of the process. */
  readonly process: string
  /** The number of its start among the starts of its rank. */
  readonly ticket: number
}

/** A process that occupies its rank in a term. */
export interface Member extends RankIdentity {
  readonly own: TermOwner
  /** The store as all ranks of the term use it: as one writer. */
  readonly context: StoreContext
  readonly access: WriteAccess
  /** The attempts on which this process has agreed, in the order of its saves. */
  readonly begun: Set<AttemptId>
  /** Those of them whose saves failed in this process. Other ranks may still commit them. */
  readonly failed: Set<AttemptId>
  /** Whether an earlier process was this member, which may have written parts. */
  readonly hadEarlierProcess: boolean
}

/** A member whose term owns the store. */
export interface OwningMember extends Member {
  /** The version of the catalog with which the term took the store over. What the term saves has no lower base. */
  readonly since: number
}

/** A member that knows from which checkpoint its term continues. */
export interface ResumedMember extends OwningMember {
  /** `null` if the term began without a checkpoint. */
  readonly resumed: AttemptId | null
}

/** All ranks of a term share the writer, whose id is that of the agreement that opened the term. */
export function memberOf(
  identity: RankIdentity,
  term: number,
  openId: string,
  context: StoreContext,
): Member {
  const { backend, keeping, environment } = context
  const writer: Writer = {
    id: openId,
    name: `term ${term} of a job of ${ranksText(identity.size)}`,
    mode: 'exclusive',
  }
  const log = new CatalogLog(backend, writer, keeping, environment)
  const ofTerm: StoreContext = { ...context, writer, log, mayTakeOver: true, deleted: new Set() }
  return {
    ...identity,
    own: { term, owner: openId },
    context: ofTerm,
    access: new WriteAccess(ofTerm, 'this job'),
    begun: new Set(),
    failed: new Set(),
    hadEarlierProcess: false,
  }
}
