import type { CheckpointBackend } from '../../backend/index.ts'
import { HoldfastError } from '../../errors.ts'
import type { RoomWanted } from '../../retention/index.ts'
import { formatSize, judgeSpace, type Need, type Room, type SpaceVerdict } from '../../space/index.ts'
import { inodesOf } from '../../catalog/judging/candidate.ts'
import type { AttemptsUnderWay, StoreContext } from '../context.ts'
import type { AttemptId, Drop } from '../../catalog/documents/index.ts'
import { judge, retain } from '../../catalog/judging/judgement.ts'
import { droppingOf } from '../../catalog/judging/recorded-keeping.ts'
import type { PagedCatalog } from '../../catalog/pages/index.ts'
import { deleteDropped } from '../attempts/delete-dropped.ts'
import { missingReserve } from '../attempts/reserve.ts'
import { describeUnfinished, type UnfinishedSaves, unfinishedSaves } from '../attempts/unfinished.ts'
import type { PlannedFile } from '../attempts/content.ts'

/** What a file or document takes at most beyond its own bytes, in bytes: a block of the file system. */
const blockBytes = 4096

/** What one line of the catalog takes, in bytes, generously. */
const entryBytes = 1024

/** Checkpoints whose size is looked at where a stream does not tell its own. */
const recentCheckpoints = 3

/** Inodes that most commits take at most: a version of the catalog, and now and then a page. */
const inodesOfCommit = 2

/** What a save needs of its store to free space. */
export interface SpaceAccess {
  readonly attempts: AttemptsUnderWay
  /** Attempts whose saves failed and that could not be removed yet. */
  readonly abandoned: Set<AttemptId>
  /** Removes what is dead already, and returns whether there was anything. */
  freeLeftovers(signal: AbortSignal | undefined): Promise<boolean>
  /** Begins work for which the save does not wait. */
  afterwards(work: () => Promise<void>): void
  /** Removes what the run has left behind, when it is due. */
  tidyNowAndThen(): Promise<void>
  /** Runs a deletion, also on a full disk. */
  freeing<Result>(signal: AbortSignal | undefined, deletion: () => Promise<Result>): Promise<Result>
}

/**
 * Makes sure of the room for a save before a byte of it is written. Where too little is left it drops checkpoints, if
 * it may, and gives these; else, and where that would not do, it drops nothing and throws `INSUFFICIENT_SPACE`.
 */
export async function guardSpace(
  context: StoreContext,
  step: number,
  files: readonly PlannedFile[],
  catalog: PagedCatalog,
  access: SpaceAccess,
  signal: AbortSignal | undefined,
): Promise<readonly Drop[]> {
  const { backend, log, space } = context
  if (backend.capabilities.freeSpace === 'unbounded') return []
  const needed: Need = {
    bytes: bytesNeeded(files, await withRecent(context, catalog, signal)),
    inodes: inodesNeeded(files),
  }
  if ((await refusal(context, needed, signal)) === undefined) return []
  await access.freeLeftovers(signal)
  const refused = await refusal(context, needed, signal)
  if (refused === undefined) return []
  const because = `to make room for step ${step}`
  const room = await roomWanted(context, refused, because)
  const unfinished = await unfinishedSaves(
    context,
    await log.wholeOf(catalog, signal),
    access.attempts,
    signal,
  )
  // A full disk takes no probe. The newest version is a little older than now, which keeps more.
  const storeNow = (await log.newestListed(Math.max(1, catalog.version), signal))?.storedAt
  const droppable = await wouldDrop(context, catalog, room, storeNow, signal)
  // No good checkpoint goes where these would do; but only a person knows whether their writers are dead.
  const wouldDo =
    unfinished.saves > 0 && unfinished.bytes >= room.bytes && unfinished.fileCount >= (room.inodes ?? 0)
  if (!space.makeRoom || droppable.length === 0 || wouldDo)
    throw notEnough(context, step, needed, refused, wouldDo ? [] : droppable, unfinished)
  const committed = await access.freeing(signal, async () => {
    const pruned = await log.commit({ kind: 'prune', room, storeNow }, signal)
    await deleteDropped(context, pruned, { evenInGrace: true })
    return pruned
  })
  const still = await refusal(context, needed, signal)
  if (still !== undefined) throw notEnough(context, step, needed, still, [], unfinished)
  return committed.dropped
}

/** With some checkpoints to go by, where those that the catalog holds itself were deleted. */
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

/** What is missing for the save, and for the reserve that the deletion itself may take. */
async function roomWanted(context: StoreContext, refused: Refusal, because: string): Promise<RoomWanted> {
  const reserve = await missingReserve(context)
  return refused.kind === 'noInodes'
    ? { bytes: 0, inodes: refused.missing + reserve.inodes, because }
    : { bytes: refused.missing + reserve.bytes, because }
}

/** Steps that would go to make room; none when they would not free enough. */
async function wouldDrop(
  { keeping, log, environment }: StoreContext,
  known: PagedCatalog,
  room: RoomWanted,
  storeNow: Date | undefined,
  signal: AbortSignal | undefined,
): Promise<readonly number[]> {
  const catalog = await log.wholeOf(known, signal)
  const { objectives, retention } = droppingOf(keeping, catalog)
  const judgement = judge(catalog, objectives)
  const present = { now: environment.now(), storeNow }
  const decisions = retain(catalog, judgement, retention, present, () => undefined, room)
  const dropped = new Set(decisions.filter(({ kept }) => !kept).map(({ step }) => step))
  const going = catalog.checkpoints.all.filter(({ step }) => dropped.has(step))
  const freed = {
    bytes: going.reduce((sum, { bytes }) => sum + bytes, 0),
    inodes: going.reduce((sum, entry) => sum + inodesOf(entry), 0),
  }
  return freed.bytes < room.bytes || freed.inodes < (room.inodes ?? 0) ? [] : [...dropped]
}

function notEnough(
  { backend }: StoreContext,
  step: number,
  needed: Need,
  refused: Refusal,
  droppable: readonly number[],
  unfinished: UnfinishedSaves,
): HoldfastError {
  const way =
    droppable.length > 0
      ? `or let Holdfast make room (makeRoom: true, --make-room): it would drop ${stepsText(droppable)}.`
      : 'by removing checkpoints (holdfast rm) or other files.'
  return new HoldfastError(
    'INSUFFICIENT_SPACE',
    [shortage(step, needed, refused), way, ...describeUnfinished(unfinished)].join(' '),
    { url: backend.url },
  )
}

function shortage(step: number, needed: Need, refused: Refusal): string {
  if (refused.kind === 'noInodes') {
    const free = refused.available === 0 ? 'has no inodes left' : `has only ${refused.available} inodes left`
    return (
      `Not enough space: step ${step} needs ${needed.inodes} inodes for its files and folders, but the file system ${free}. ` +
      `Nothing was written. Free ${refused.missing} inodes,`
    )
  }
  const { available, kept, missing } = refused
  const keptFree = kept > 0 ? ` and ${formatSize(kept)} is kept free` : ''
  return (
    `Not enough space: step ${step} needs ${formatSize(needed.bytes)}${keptFree}, but only ${formatSize(available)} is there. ` +
    `Nothing was written. Free ${formatSize(missing)},`
  )
}

function stepsText(steps: readonly number[]): string {
  const [only] = steps
  if (only !== undefined && steps.length === 1) return `step ${only}`
  return `steps ${steps.slice(0, -1).join(', ')} and ${String(steps.at(-1))}`
}

/**
 * Bytes that the save will add, rounded up. What is replaced is still there until the commit, so it counts
 * for nothing. Where a stream does not tell its size, the largest of the latest checkpoints is the guess.
 */
function bytesNeeded(files: readonly PlannedFile[], catalog: PagedCatalog): number {
  const known = files.reduce((sum, { size = 0 }) => sum + size, 0)
  const recent = catalog.checkpoints.last(recentCheckpoints).map(({ bytes }) => bytes)
  const guess = files.some(({ size }) => size === undefined) ? Math.max(known, ...recent) : known
  // Twice: the lines that the catalog holds may go into a page.
  return guess + blockBytes * (files.length + 2) + 2 * entryBytes * (catalog.checkpoints.recent.length + 1)
}

/** Each file and each folder takes an inode; so do the manifest and the folder of the attempt. */
function inodesNeeded(files: readonly PlannedFile[]): number {
  const folders = new Set(
    files.flatMap(({ name }) => {
      const parts = name.split('/').slice(0, -1)
      return parts.map((_, index) => parts.slice(0, index + 1).join('/'))
    }),
  )
  return files.length + folders.size + 2 + inodesOfCommit
}

async function roomOf(backend: CheckpointBackend, signal: AbortSignal | undefined): Promise<Room> {
  const free = await backend.freeSpace({ signal })
  if (free.kind === 'unbounded') return 'unbounded'
  const inodes = free.kind === 'measured' ? free.files?.available : undefined
  return { available: free.available, total: free.total, inodes }
}
