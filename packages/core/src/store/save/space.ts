import type { BackendCapabilities, CheckpointBackend } from '../../backend/index.ts'
import { HoldfastError } from '../../errors.ts'
import type { RoomWanted } from '../../retention/index.ts'
import {
  formatSize,
  FreedSpace,
  judgeSpace,
  type Need,
  type Room,
  type SpaceVerdict,
} from '../../space/index.ts'
import { spaceHeldBy } from '../../catalog/judging/candidate.ts'
import type { AttemptsUnderWay, StoreContext } from '../context.ts'
import type { AttemptId, Drop, Removed } from '../../catalog/documents/index.ts'
import { judge, retain } from '../../catalog/judging/judgement.ts'
import { droppingOf } from '../../catalog/judging/recorded-keeping.ts'
import type { PagedCatalog, WholeCatalog } from '../../catalog/pages/index.ts'
import { deleteDropped } from '../attempts/delete-dropped.ts'
import { missingReserve } from '../attempts/reserve.ts'
import { describeUnfinished, type UnfinishedSaves, unfinishedSaves } from '../attempts/unfinished.ts'
import type { PlannedFile } from '../attempts/content.ts'
import type { PackMode } from '../pack-mode.ts'
import { planPacks } from '../attempts/packs/plan-packs.ts'
import { packObject } from '../attempts/packs/write-pack.ts'

/** Maximum space of a file beyond its size, in bytes: one block of the file system. */
const blockBytes = 4096

/** Generous estimate of the size of one line of the catalog, in bytes. */
const entryBytes = 1024

/** Generous estimate of the size of the line of a packed file in a manifest without its name, in bytes. */
const lineBytes = 512

/** Number of recent checkpoints from which the size of a stream is estimated. */
const recentCheckpoints = 3

/** Inodes of a commit: a version of the catalog and sometimes a page. */
const inodesOfCommit = 2

/** What a save stores: its files, and whether they are packed. */
export interface FilesToStore {
  readonly files: readonly Pick<PlannedFile, 'name' | 'size'>[]
  readonly packs: PackMode
}

/** The inodes of the note about the writer and of its folder. */
const inodesOfNote = 2

/** The operations with which a save can free space. */
export interface SpaceAccess {
  readonly attempts: AttemptsUnderWay
  /** Attempts whose saves failed and that could not be removed yet. */
  readonly toDiscard: Set<AttemptId>
  /** Deletes dead objects. Returns whether it deleted anything. */
  freeLeftovers(signal: AbortSignal | undefined): Promise<boolean>
  /** Ends the unfinished saves of other writers, deletes them, and reports that. */
  removeOtherSaves(found: UnfinishedSaves, signal: AbortSignal | undefined): Promise<void>
  /** Drops all removed checkpoints for good, and deletes their files. Returns whether there were any. */
  deleteRemoved(which: 'all', signal: AbortSignal | undefined): Promise<{ readonly isDeleted: boolean }>
  /** Starts work that the save does not wait for. */
  afterwards(work: () => Promise<void>): void
  /** Deletes leftovers of the run if it is time to do so. */
  tidyNowAndThen(): Promise<void>
  /** Runs a deletion, also on a full disk. */
  freeing<Result>(signal: AbortSignal | undefined, deletion: () => Promise<Result>): Promise<Result>
}

/**
 * Ensures that there is space for a save before its first byte is written. If there is too little and `makeRoom` is set, drops
 * checkpoints and returns them. If that is not allowed or not enough, drops nothing and throws `INSUFFICIENT_SPACE`.
 */
export async function guardSpace(
  context: StoreContext,
  step: number,
  files: FilesToStore,
  catalog: PagedCatalog,
  access: SpaceAccess,
  signal: AbortSignal | undefined,
  mayEndOthers = true,
): Promise<readonly Drop[]> {
  const { backend, log, space } = context
  if (backend.capabilities.freeSpace === 'unbounded') return []
  const needed: Need = {
    bytes: bytesNeeded(files, backend.capabilities, await withRecent(context, catalog, signal)),
    inodes: inodesNeeded(files, backend.capabilities),
  }
  if ((await refusal(context, needed, signal)) === undefined) return []
  await access.freeLeftovers(signal)
  const refused = await refusal(context, needed, signal)
  if (refused === undefined) return []
  const because = `to make room for step ${step}`
  const whole = await log.wholeOf(catalog, signal)
  const room = await roomWanted(context, refused, because, whole)
  const unfinished = await unfinishedSaves(context, whole, access.attempts, signal)
  // A full disk has no space for a probe. The time of the newest version is slightly earlier, which keeps more
  // checkpoints.
  const storeNow = (await log.newestListed(Math.max(1, catalog.version), signal))?.storedAt
  const mayRemoveOthers = space.makeRoom && mayEndOthers && unfinished.saves > 0
  const canFree = (rest: RoomWanted): boolean =>
    isNone(rest) || wouldDrop(context, whole, rest, storeNow).length > 0
  // Removed checkpoints go before all others. They stay if the save fails anyway.
  const afterRemoved = withoutRemoved(whole, room)
  const isEnough =
    isNone(afterRemoved) ||
    (space.makeRoom && canFree(afterRemoved)) ||
    (mayRemoveOthers && canFree(without(afterRemoved, unfinished)))
  if (isEnough && catalog.removed !== undefined) {
    const { isDeleted } = await access.freeing(signal, () => access.deleteRemoved('all', signal))
    if (isDeleted)
      return guardSpace(context, step, files, await log.newest(signal), access, signal, mayEndOthers)
  }
  const droppable = wouldDrop(context, whole, room, storeNow)
  // Drops no checkpoint if deleting unfinished saves would be sufficient.
  const rest = without(room, unfinished)
  const wouldDo = unfinished.saves > 0 && isNone(rest)
  if (mayRemoveOthers && canFree(rest)) {
    // Leftovers go before good checkpoints. A writer that still runs elsewhere is fenced, and can save again.
    await access.removeOtherSaves(unfinished, signal)
    return guardSpace(context, step, files, await log.newest(signal), access, signal, false)
  }
  if (!space.makeRoom || droppable.length === 0 || wouldDo)
    throw notEnough(context, step, needed, refused, wouldDo ? [] : droppable, unfinished, whole)
  const committed = await access.freeing(signal, async () => {
    const pruned = await log.commit({ kind: 'prune', room, storeNow }, signal)
    await deleteDropped(context, pruned, { evenInGrace: true })
    return pruned
  })
  const still = await refusal(context, needed, signal)
  if (still !== undefined) throw notEnough(context, step, needed, still, [], unfinished, committed.catalog)
  return committed.dropped
}

/** Returns the space that is still missing if unfinished saves are deleted. */
function without(room: RoomWanted, { bytes, fileCount }: UnfinishedSaves): RoomWanted {
  const inodes = Math.max(0, (room.inodes ?? 0) - fileCount)
  return { ...room, bytes: Math.max(0, room.bytes - bytes), inodes }
}

/** Returns the space that is still missing if all removed checkpoints are deleted. */
function withoutRemoved(
  { checkpoints, abandoned, quarantined, removed = [] }: WholeCatalog,
  room: RoomWanted,
): RoomWanted {
  const { bytes, inodes = 0, alsoHeld = [] } = room
  const freed = new FreedSpace([...checkpoints.all.map(spaceHeldBy), ...alsoHeld])
  for (const { entry } of removed) freed.delete(spaceHeldBy(entry))
  return {
    ...room,
    bytes: Math.max(0, bytes - freed.bytes),
    inodes: Math.max(0, inodes - freed.inodes),
    alsoHeld: heldBeside({ abandoned, quarantined }),
  }
}

function isNone({ bytes, inodes = 0 }: RoomWanted): boolean {
  return bytes === 0 && inodes === 0
}

/** The space of checkpoints that are not listed. */
function heldBeside({
  abandoned = [],
  quarantined,
  removed = [],
}: Pick<WholeCatalog, 'abandoned' | 'quarantined' | 'removed'>): NonNullable<RoomWanted['alsoHeld']> {
  return [...abandoned, ...[...quarantined, ...removed].map(({ entry }) => entry)].map(spaceHeldBy)
}

/** Returns a catalog with recent checkpoints, even if those in its document were deleted. */
async function withRecent(
  { log }: StoreContext,
  catalog: PagedCatalog,
  signal: AbortSignal | undefined,
): Promise<PagedCatalog> {
  return catalog.checkpoints.recent.length < recentCheckpoints ? log.wholeOf(catalog, signal) : catalog
}

type Refusal =
  | {
      readonly kind: 'refused'
      readonly available: number
      readonly kept: number
      readonly missing: number
    }
  | Extract<SpaceVerdict, { kind: 'noInodes' }>

async function refusal(
  { backend, space, events }: StoreContext,
  needed: Need,
  signal: AbortSignal | undefined,
): Promise<Refusal | undefined> {
  const room = await roomOf(backend, signal)
  const verdict = judgeSpace(needed, room, space)
  if (verdict.kind === 'low') events.emit('spaceLow', { left: verdict.left, threshold: verdict.threshold })
  if (verdict.kind === 'noInodes') return verdict
  if (verdict.kind !== 'refused' || room === 'unbounded') return undefined
  return { ...verdict, available: room.available }
}

/** The space that is missing for the save, and for the reserve, which the deletion may use. */
async function roomWanted(
  context: StoreContext,
  refused: Refusal,
  because: string,
  catalog: WholeCatalog,
): Promise<RoomWanted> {
  const reserve = await missingReserve(context)
  const alsoHeld = heldBeside(catalog)
  return refused.kind === 'noInodes'
    ? { bytes: 0, inodes: refused.missing + reserve.inodes, alsoHeld, because }
    : { bytes: refused.missing + reserve.bytes, alsoHeld, because }
}

/** Returns the steps to drop to make room. Empty if dropping them would not be sufficient. */
function wouldDrop(
  { keeping, environment }: StoreContext,
  catalog: WholeCatalog,
  room: RoomWanted,
  storeNow: Date | undefined,
): readonly number[] {
  const { objectives, retention } = droppingOf(keeping, catalog)
  const judgement = judge(catalog, objectives)
  const present = { now: environment.now(), storeNow }
  const { alsoHeld = [] } = room
  const decisions = retain(catalog, judgement, retention, present, () => undefined, room)
  const dropped = new Set(decisions.filter(({ kept }) => !kept).map(({ step }) => step))
  const freed = new FreedSpace([...catalog.checkpoints.all.map(spaceHeldBy), ...alsoHeld])
  for (const entry of catalog.checkpoints.all) if (dropped.has(entry.step)) freed.delete(spaceHeldBy(entry))
  return freed.bytes < room.bytes || freed.inodes < (room.inodes ?? 0) ? [] : [...dropped]
}

function notEnough(
  { backend }: StoreContext,
  step: number,
  needed: Need,
  refused: Refusal,
  droppable: readonly number[],
  unfinished: UnfinishedSaves,
  { removed = [] }: PagedCatalog,
): HoldfastError {
  const droppableText =
    droppable.length > 0 ? [`To make room, Holdfast would drop ${stepsText(droppable)}.`] : []
  return new HoldfastError(
    'INSUFFICIENT_SPACE',
    [
      shortage(step, needed, refused),
      ...droppableText,
      ...describeRemoved(removed),
      ...describeUnfinished(unfinished),
    ].join(' '),
    {
      url: backend.url,
      hint: {
        kind: 'free-space',
        canMakeRoom: droppable.length > 0,
        hasUnfinished: unfinished.saves > 0,
        hasRemoved: removed.length > 0,
      },
    },
  )
}

function describeRemoved(removed: readonly Removed[]): readonly string[] {
  if (removed.length === 0) return []
  const bytes = removed.reduce((sum, { entry }) => sum + entry.bytes, 0)
  const [what, verb] = removed.length === 1 ? ['checkpoint', 'takes'] : ['checkpoints', 'take']
  return [`${removed.length} removed ${what} ${verb} ${formatSize(bytes)}, kept for an undo.`]
}

function shortage(step: number, needed: Need, refused: Refusal): string {
  if (refused.kind === 'noInodes') {
    const free = refused.available === 0 ? 'has no inodes left' : `has only ${refused.available} inodes left`
    return (
      `Not enough space: step ${step} needs ${needed.inodes} inodes for its files and folders, but the file system ${free}. ` +
      `Nothing of step ${step} was written. Free ${refused.missing} inodes.`
    )
  }
  const { available, kept, missing } = refused
  const keptFree = kept > 0 ? ` and ${formatSize(kept)} is kept free` : ''
  return (
    `Not enough space: step ${step} needs ${formatSize(needed.bytes)}${keptFree}, but only ${formatSize(available)} is free. ` +
    `Nothing of step ${step} was written. Free ${formatSize(missing)}.`
  )
}

function stepsText(steps: readonly number[]): string {
  const [only] = steps
  if (only !== undefined && steps.length === 1) return `step ${only}`
  return `steps ${steps.slice(0, -1).join(', ')} and ${String(steps.at(-1))}`
}

/**
 * Returns the bytes that the save adds, rounded up. A replaced checkpoint exists until the commit, so it frees no
 * space. The size of a stream is estimated from the largest recent checkpoint.
 */
function bytesNeeded(
  { files, packs }: FilesToStore,
  capabilities: BackendCapabilities,
  catalog: PagedCatalog,
): number {
  const known = files.reduce((sum, { size = 0 }) => sum + size, 0)
  const recent = catalog.checkpoints.last(recentCheckpoints).map(({ bytes }) => bytes)
  const guess = files.some(({ size }) => size === undefined) ? Math.max(known, ...recent) : known
  const plan = planPacks(files, packs, capabilities)
  const packed = plan.packs.flat()
  // The line of a packed file in the manifest has its name, its digest and its place. Of other files it fits into their block.
  const lines = packed.reduce((sum, { name }) => sum + lineBytes + Buffer.byteLength(name), 0)
  const objects = plan.packs.length + plan.singles.length
  // Counts lines twice, because the lines of the document may move to a page. Removed ones never do.
  const catalogLines = 2 * (catalog.checkpoints.recent.length + 1) + (catalog.removed?.length ?? 0)
  return guess + lines + blockBytes * (objects + 2) + entryBytes * catalogLines
}

/** Each object and folder needs an inode, and so do the manifest and the folder of the attempt. */
function inodesNeeded({ files, packs: mode }: FilesToStore, capabilities: BackendCapabilities): number {
  const { packs, singles } = planPacks(files, mode, capabilities)
  const objects = [
    ...singles.map(({ name }) => name),
    ...packs.map((_, index) => packObject('', String(index))),
  ]
  const folders = new Set(
    objects.flatMap((object) => {
      const parts = object.split('/').slice(0, -1)
      return parts.map((_, index) => parts.slice(0, index + 1).join('/'))
    }),
  )
  return objects.length + folders.size + 2 + inodesOfNote + inodesOfCommit
}

async function roomOf(backend: CheckpointBackend, signal: AbortSignal | undefined): Promise<Room> {
  const free = await backend.freeSpace({ signal })
  if (free.kind === 'unbounded') return 'unbounded'
  const inodes = free.kind === 'measured' ? free.files?.available : undefined
  return { available: free.available, total: free.total, inodes }
}
