import { freedBy } from '../../../catalog/judging/freed-by.ts'
import { applyRetention } from '../../../catalog/judging/keeping.ts'
import type { PagedCatalog, WholeCatalog } from '../../../catalog/pages/index.ts'
import type { RoomWanted } from '../../../retention/index.ts'
import type { Need } from '../../../space/index.ts'
import { missingReserve } from '../../attempts/reserve.ts'
import { type UnfinishedSaves, unfinishedSaves } from '../../attempts/unfinished.ts'
import type { AttemptsUnderWay, StoreContext } from '../../context/context.ts'

/** What a store has that could be deleted for a save, and how much of it is wanted. */
export interface Deletable {
  readonly catalog: WholeCatalog
  readonly wanted: RoomWanted
  readonly unfinished: UnfinishedSaves
  readonly storeNow: Date | undefined
}

export async function findDeletable(
  context: StoreContext,
  ours: AttemptsUnderWay,
  newest: PagedCatalog,
  missing: Need & Pick<RoomWanted, 'because'>,
  signal: AbortSignal | undefined,
): Promise<Deletable> {
  const { log } = context
  const catalog = await log.wholeOf(newest, signal)
  return {
    catalog,
    wanted: await roomWanted(context, missing),
    unfinished: await unfinishedSaves(context, catalog, ours, signal),
    // A full disk has no space for a probe. The time of the newest version is slightly earlier, which keeps more
    // checkpoints.
    storeNow: (await log.newestListed(Math.max(1, catalog.version), signal))?.storedAt,
  }
}

/** The space that is missing for the save, and for the reserve, which the deletion may use. */
async function roomWanted(
  context: StoreContext,
  { bytes, inodes, because }: Need & Pick<RoomWanted, 'because'>,
): Promise<RoomWanted> {
  const reserve = await missingReserve(context)
  return {
    bytes: bytes > 0 ? bytes + reserve.bytes : 0,
    inodes: inodes > 0 ? inodes + reserve.inodes : 0,
    because,
  }
}

/** Returns the space that is still missing if unfinished saves are deleted. */
export function withoutUnfinished(wanted: RoomWanted, { bytes, fileCount }: UnfinishedSaves): RoomWanted {
  const inodes = Math.max(0, (wanted.inodes ?? 0) - fileCount)
  return { ...wanted, bytes: Math.max(0, wanted.bytes - bytes), inodes }
}

/** Returns whether deleting the unfinished saves of other writers would be sufficient. */
export function isUnfinishedSufficient({ wanted, unfinished }: Deletable): boolean {
  return unfinished.saves > 0 && isNone(withoutUnfinished(wanted, unfinished))
}

/** Returns what could be deleted, and what is still missing, once all removed checkpoints are deleted. */
export function withoutRemoved(deletable: Deletable): Deletable {
  const { catalog, wanted } = deletable
  const removed = new Set((catalog.removed ?? []).map(({ entry }) => entry.attempt))
  const { bytes, inodes } = freedBy(catalog, removed)
  return {
    ...deletable,
    catalog: { ...catalog, removed: undefined },
    wanted: {
      ...wanted,
      bytes: Math.max(0, wanted.bytes - bytes),
      inodes: Math.max(0, (wanted.inodes ?? 0) - inodes),
    },
  }
}

export function isNone({ bytes, inodes = 0 }: RoomWanted): boolean {
  return bytes === 0 && inodes === 0
}

/**
 * Returns the steps that a prune drops to make room, also those that a rewind abandoned. Empty if dropping them would not be
 * sufficient.
 */
export function stepsToDrop(
  { keeping, environment }: StoreContext,
  { catalog, storeNow }: Pick<Deletable, 'catalog' | 'storeNow'>,
  room: RoomWanted,
): readonly number[] {
  const { checkpoints, abandoned = [], metrics } = catalog
  const { dropped } = applyRetention(
    catalog,
    { checkpoints, abandoned, dropped: [], metrics, keeping: catalog.keeping },
    { dropsBy: 'own retention', records: 'objectives', room, storeNow },
    keeping,
    environment.now().toISOString(),
  )
  const freed = freedBy(catalog, new Set(dropped.map(({ attempt }) => attempt)))
  const isSufficient = freed.bytes >= room.bytes && freed.inodes >= (room.inodes ?? 0)
  return isSufficient ? [...new Set(dropped.map(({ step }) => step))].sort((one, other) => one - other) : []
}
