import type { PagedCatalog } from '../../catalog/pages/index.ts'
import { isHoldfastError } from '../../errors.ts'
import { newestToWriteUpon } from '../upkeep/first-write.ts'
import { fencedByOtherWriter } from './errors.ts'
import type { Member, OwningMember } from './member.ts'
import { standingOf } from './rules.ts'

/**
 * Takes the store over for the term, if no rank of the term has done so. Returns `undefined` if a later term has owned the
 * store. Rejects with `FENCED` if another writer has taken the store from this term.
 */
export async function takeOver(member: Member): Promise<OwningMember | undefined> {
  const { context, access, own } = member
  for (;;) {
    const newest = await newestToWriteUpon(context)
    const standing = standingOf(newest, own)
    // A takeover raises the floor to itself, and no rank raises it again before all have joined.
    if (standing !== 'may take over')
      return isOwnerIn(newest, member) ? { ...member, since: newest.floor } : undefined
    try {
      await context.log.commit({ kind: 'take over', term: own.term })
      context.events.emit('tookOver', { from: newest.owner?.name })
      // Everything of older terms is dead now.
      access.afterwards(async () => {
        await access.freeLeftovers(undefined)
      })
    } catch (error) {
      if (!isHoldfastError(error, 'FENCED', 'OUTCOME_UNKNOWN')) throw error
    }
  }
}

/**
 * Whether the term owns the store. Returns false if a later term has owned it. Rejects with `FENCED` if another writer has
 * taken the store from this term.
 */
export async function isOwner(member: Member, signal?: AbortSignal): Promise<boolean> {
  return isOwnerIn(await member.context.log.newest(signal), member)
}

/** The same by a version of the catalog. */
export function isOwnerIn(catalog: PagedCatalog, { context, own }: Member): boolean {
  const standing = standingOf(catalog, own)
  if (standing === 'owner') return true
  if (standing === 'superseded') return false
  throw fencedByOtherWriter(context.backend.url)
}
