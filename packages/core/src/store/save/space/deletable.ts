import { spaceHeldBy } from '../../../catalog/judging/candidate.ts'
import { judge, retain } from '../../../catalog/judging/judgement.ts'
import { keepingByOwn } from '../../../catalog/judging/recorded-keeping.ts'
import type { PagedCatalog, WholeCatalog } from '../../../catalog/pages/index.ts'
import type { RoomWanted } from '../../../retention/index.ts'
import { FreedSpace, type Need } from '../../../space/index.ts'
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
    wanted: await roomWanted(context, missing, catalog),
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
  catalog: WholeCatalog,
): Promise<RoomWanted> {
  const reserve = await missingReserve(context)
  const alsoHeld = heldBeside(catalog)
  return inodes > 0
    ? { bytes: 0, inodes: inodes + reserve.inodes, alsoHeld, because }
    : { bytes: bytes + reserve.bytes, alsoHeld, because }
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

/** Returns the space that is still missing if all removed checkpoints are deleted. */
export function withoutRemoved(
  { checkpoints, abandoned, quarantined, removed = [] }: WholeCatalog,
  wanted: RoomWanted,
): RoomWanted {
  const { bytes, inodes = 0, alsoHeld = [] } = wanted
  const freed = new FreedSpace([...checkpoints.all.map(spaceHeldBy), ...alsoHeld])
  for (const { entry } of removed) freed.delete(spaceHeldBy(entry))
  return {
    ...wanted,
    bytes: Math.max(0, bytes - freed.bytes),
    inodes: Math.max(0, inodes - freed.inodes),
    alsoHeld: heldBeside({ abandoned, quarantined }),
  }
}

export function isNone({ bytes, inodes = 0 }: RoomWanted): boolean {
  return bytes === 0 && inodes === 0
}

/** Returns the steps to drop to make room. Empty if dropping them would not be sufficient. */
export function stepsToDrop(
  { keeping, environment }: StoreContext,
  { catalog, storeNow }: Pick<Deletable, 'catalog' | 'storeNow'>,
  wanted: RoomWanted,
): readonly number[] {
  const { objectives, retention } = keepingByOwn(keeping, catalog)
  const judgement = judge(catalog, objectives)
  const present = { now: environment.now(), storeNow }
  const { alsoHeld = [] } = wanted
  const decisions = retain(catalog, judgement, retention, present, () => undefined, wanted)
  const dropped = new Set(decisions.filter(({ kept }) => !kept).map(({ step }) => step))
  const freed = new FreedSpace([...catalog.checkpoints.all.map(spaceHeldBy), ...alsoHeld])
  for (const entry of catalog.checkpoints.all) if (dropped.has(entry.step)) freed.delete(spaceHeldBy(entry))
  return freed.bytes < wanted.bytes || freed.inodes < (wanted.inodes ?? 0) ? [] : [...dropped]
}

/** The space of checkpoints that are not listed. */
function heldBeside({
  abandoned = [],
  quarantined,
  removed = [],
}: Pick<WholeCatalog, 'abandoned' | 'quarantined' | 'removed'>): NonNullable<RoomWanted['alsoHeld']> {
  return [...abandoned, ...[...quarantined, ...removed].map(({ entry }) => entry)].map(spaceHeldBy)
}
