import type { Drop } from '../../../catalog/documents/index.ts'
import type { RoomWanted } from '../../../retention/index.ts'
import { deleteDropped } from '../../attempts/delete-dropped.ts'
import type { StoreContext } from '../../context/context.ts'
import {
  type Deletable,
  isNone,
  isUnfinishedSufficient,
  stepsToDrop,
  withoutRemoved,
  withoutUnfinished,
} from './deletable.ts'
import type { ComingSave, Shortage } from './shortage.ts'

/** Frees space, and returns the checkpoints that it dropped; `undefined` if it is not allowed or not sufficient. */
export type WayToMakeRoom = (save: ComingSave, shortage: Shortage) => Promise<readonly Drop[] | undefined>

/** The ways to make room, in the order in which a save tries them. Good checkpoints go last. */
export const waysToMakeRoom: readonly WayToMakeRoom[] = [
  deleteLeftovers,
  deleteRemoved,
  removeOtherSaves,
  dropCheckpoints,
]

async function deleteLeftovers({ access, signal }: ComingSave): Promise<readonly Drop[]> {
  await access.freeLeftovers(signal)
  return []
}

/** Removed checkpoints stay if the save fails anyway. */
async function deleteRemoved(
  { context, access, signal }: ComingSave,
  shortage: Shortage,
): Promise<readonly Drop[] | undefined> {
  const deletable = await shortage.deletable()
  if (deletable.catalog.removed === undefined) return undefined
  const rest = withoutRemoved(deletable)
  const isSufficient =
    isNone(rest.wanted) ||
    (context.space.makeRoom &&
      [rest.wanted, withoutUnfinished(rest.wanted, rest.unfinished)].some((each) =>
        canDrop(context, rest, each),
      ))
  if (!isSufficient) return undefined
  const isDeleted = await access.freeing(signal, () => access.deleteRemoved('all', signal))
  return isDeleted ? [] : undefined
}

/** A writer that still runs elsewhere is fenced, and can save again. So its save goes before good checkpoints. */
async function removeOtherSaves(
  { context, access, signal }: ComingSave,
  shortage: Shortage,
): Promise<readonly Drop[] | undefined> {
  const deletable = await shortage.deletable()
  const { wanted, unfinished } = deletable
  if (!context.space.makeRoom || unfinished.saves === 0) return undefined
  if (!canDrop(context, deletable, withoutUnfinished(wanted, unfinished))) return undefined
  await access.removeOtherSaves(unfinished, signal)
  return []
}

/** Drops no checkpoint if deleting unfinished saves would be sufficient. */
async function dropCheckpoints(
  { context, access, signal }: ComingSave,
  shortage: Shortage,
): Promise<readonly Drop[] | undefined> {
  const deletable = await shortage.deletable()
  const { wanted, storeNow } = deletable
  if (!context.space.makeRoom || isUnfinishedSufficient(deletable)) return undefined
  if (stepsToDrop(context, deletable, wanted).length === 0) return undefined
  const { dropped } = await access.freeing(signal, async () => {
    const pruned = await context.log.commit({ kind: 'prune', room: wanted, storeNow }, signal)
    await deleteDropped(context, pruned, { evenInGrace: true })
    return pruned
  })
  return dropped
}

function canDrop(context: StoreContext, deletable: Deletable, wanted: RoomWanted): boolean {
  return isNone(wanted) || stepsToDrop(context, deletable, wanted).length > 0
}
