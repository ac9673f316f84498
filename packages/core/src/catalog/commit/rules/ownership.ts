import type { ErrorHint } from '../../../hints.ts'
import { isMirrorJob, type Owner } from '../../documents/index.ts'
import type { PagedCatalog } from '../../pages/index.ts'
import type { Change, ChangeOf } from '../changes/index.ts'
import type { CommitRequest, Writer } from './writer.ts'

/** Why another writer may commit and this one may not. */
export interface Fenced {
  readonly why: string
  readonly hint?: ErrorHint | undefined
}

/** Rule 1: returns whether this writer may commit after the newest version. */
export function mayCommit(newest: PagedCatalog, writer: Writer): boolean {
  return newest.owner === null ? writer.mode === 'shared' : newest.owner.id === writer.id
}

/**
 * Rule 1: whether this writer may commit a change that lists no attempt for the first time and does not raise the floor. The writers of a job
 * may, so that such a change does not end a save of the job: only a save takes the store over from earlier ones.
 */
export function mayChange(newest: PagedCatalog, writer: Writer): boolean {
  if (mayCommit(newest, writer)) return true
  return writer.job !== undefined && (newest.owner === null || newest.owner.job === writer.job)
}

/** Changes that list no attempt for the first time, and do not raise the floor. */
const lightChanges: ReadonlySet<Change['kind']> = new Set([
  'mark good',
  'attach',
  'delete',
  'forget mirror',
  'forget objective',
  'forget removed',
  'open segments',
  'pin',
  'prune',
  'quarantine',
  'readmit',
  'record mirror',
  'rewind',
  'undo',
  'unpin',
])

export function foreignOwner(newest: PagedCatalog, { writer, change }: CommitRequest): Fenced | undefined {
  if (isOlderTerm(newest, change)) {
    return {
      why: `Term ${newest.term ?? 0} of this job owns the store, or has owned it. Restore again to join the job.`,
    }
  }
  if (change.kind === 'rebuild' || change.kind === 'discard' || mayCommit(newest, writer)) return undefined
  if (change.kind === 'take over' && mayTakeOver(newest, writer, change)) return undefined
  if (lightChanges.has(change.kind) && mayChange(newest, writer)) return undefined
  // This change adds no attempt, so no writer can be too late with it.
  if (newest.owner === null && change.kind === 'readmit') return undefined
  return refusalOfWriter(newest, writer)
}

/** Rule 1: returns why this writer may not commit a save after the newest version; `undefined` if it may. */
export function refusalOfWriter(newest: PagedCatalog, writer: Writer): Fenced | undefined {
  if (mayCommit(newest, writer)) return undefined
  if (newest.owner === null) {
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
    // A writer of that job would take the mirror from its store.
    hint: { kind: 'take-over', job: job === undefined || isMirrorJob(job) ? undefined : job },
  }
}

/** All ranks of a term take over as one writer. The first commit of them counts, and raises the floor only once. */
export function isOwnTakeOver({ owner }: PagedCatalog, { writer, change }: CommitRequest): boolean {
  return change.kind === 'take over' && change.term !== undefined && owner?.id === writer.id
}

/** An older term never takes over from a newer one, also if the newer one does not own the store any more. */
function isOlderTerm({ term = 0 }: PagedCatalog, change: Change): boolean {
  return change.kind === 'take over' && change.term !== undefined && change.term <= term
}

function mayTakeOver(newest: PagedCatalog, writer: Writer, { yields, from }: ChangeOf<'take over'>): boolean {
  if (yields === true && isOwnedByOther(newest, writer)) return false
  const { owner } = newest
  return from === undefined || owner === null || owner.id === from || owner.id === writer.id
}

function isOwnedByOther({ owner }: PagedCatalog, { job }: Writer): boolean {
  return owner !== null && (owner.job === undefined || owner.job !== job)
}

export function nextOwner(newest: PagedCatalog, { writer, change, at }: CommitRequest): Owner | null {
  if (change.kind === 'release' || change.kind === 'rebuild') return null
  if (change.kind !== 'take over') return newest.owner
  if (writer.mode === 'shared') return null
  const { id, name, job } = writer
  return { id, name, since: at, ...(job === undefined ? {} : { job }) }
}

/** The highest term that ever owned the store. It never decreases. */
export function nextTerm({ term = 0 }: PagedCatalog, change: Change): { readonly term?: number } {
  if (change.kind !== 'take over' && change.kind !== 'rebuild') return {}
  const highest = Math.max(term, change.term ?? 0)
  return highest === 0 ? {} : { term: highest }
}
