import type { CheckpointBackend } from '../../backend/index.ts'
import { HoldfastError } from '../../errors.ts'
import type { RoomWanted } from '../../retention/index.ts'
import { formatSize, judgeSpace, type Room } from '../../space/index.ts'
import type { StoreContext } from '../context.ts'
import type { Drop } from '../../catalog/documents/index.ts'
import { judge, retain } from '../../catalog/judging/judgement.ts'
import { droppingOf } from '../../catalog/judging/recorded-keeping.ts'
import type { PagedCatalog } from '../../catalog/pages/index.ts'
import { deleteDropped } from '../attempts/delete-dropped.ts'
import type { PlannedFile } from '../attempts/content.ts'

/** What a file or document takes at most beyond its own bytes, in bytes: a block of the file system. */
const blockBytes = 4096

/** What one line of the catalog takes, in bytes, generously. */
const entryBytes = 1024

/** Checkpoints whose size is looked at where a stream does not tell its own. */
const recentCheckpoints = 3

/**
 * Makes sure of the room for a save before a byte of it is written. Where too little is left it drops checkpoints, if
 * it may, and gives these; else, and where that would not do, it drops nothing and throws `INSUFFICIENT_SPACE`.
 */
export async function guardSpace(
  context: StoreContext,
  step: number,
  files: readonly PlannedFile[],
  catalog: PagedCatalog,
  signal: AbortSignal | undefined,
): Promise<readonly Drop[]> {
  const { backend, space } = context
  if (backend.capabilities.freeSpace === 'unbounded') return []
  const needed = bytesNeeded(files, await withRecent(context, catalog, signal))
  const refused = await refusal(context, needed, signal)
  if (refused === undefined) return []
  const room: RoomWanted = { bytes: refused.missing, because: `to make room for step ${step}` }
  const droppable = await wouldDrop(context, catalog, room, signal)
  if (!space.makeRoom || droppable.length === 0) throw notEnough(context, step, needed, refused, droppable)
  const committed = await context.log.commit({ kind: 'prune', room }, signal)
  await deleteDropped(context, committed, { evenInGrace: true })
  const still = await refusal(context, needed, signal)
  if (still !== undefined) throw notEnough(context, step, needed, still, [])
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

interface Refusal {
  readonly available: number
  readonly kept: number
  readonly missing: number
}

async function refusal(
  { backend, space, events }: StoreContext,
  needed: number,
  signal: AbortSignal | undefined,
): Promise<Refusal | undefined> {
  const room = await roomOf(backend, signal)
  const verdict = judgeSpace(needed, room, space)
  if (verdict.kind === 'low') events.emit('spaceLow', { left: verdict.left, threshold: verdict.threshold })
  if (verdict.kind !== 'refused' || room === 'unbounded') return undefined
  return { available: room.available, kept: verdict.kept, missing: verdict.missing }
}

/** Steps that would go to make room; none when they would not free enough. */
async function wouldDrop(
  { keeping, log, environment }: StoreContext,
  known: PagedCatalog,
  room: RoomWanted,
  signal: AbortSignal | undefined,
): Promise<readonly number[]> {
  const catalog = await log.wholeOf(known, signal)
  const { objectives, retention } = droppingOf(keeping, catalog)
  const judgement = judge(catalog, objectives)
  const decisions = retain(catalog, judgement, retention, environment.now(), () => undefined, room)
  const dropped = new Set(decisions.filter(({ kept }) => !kept).map(({ step }) => step))
  const freed = catalog.checkpoints.all.reduce(
    (sum, { step, bytes }) => sum + (dropped.has(step) ? bytes : 0),
    0,
  )
  return freed < room.bytes ? [] : [...dropped]
}

function notEnough(
  { backend }: StoreContext,
  step: number,
  needed: number,
  { available, kept, missing }: Refusal,
  droppable: readonly number[],
): HoldfastError {
  const keptFree = kept > 0 ? ` and ${formatSize(kept)} is kept free` : ''
  const way =
    droppable.length > 0
      ? `or let Holdfast make room (makeRoom: true, --make-room): it would drop ${stepsText(droppable)}.`
      : 'by removing checkpoints (holdfast rm) or other files.'
  return new HoldfastError(
    'INSUFFICIENT_SPACE',
    `Not enough space: step ${step} needs ${formatSize(needed)}${keptFree}, but only ${formatSize(available)} is there. ` +
      `Nothing was written. Free ${formatSize(missing)}, ${way}`,
    { url: backend.url },
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

async function roomOf(backend: CheckpointBackend, signal: AbortSignal | undefined): Promise<Room> {
  const free = await backend.freeSpace({ signal })
  return free.kind === 'unbounded' ? 'unbounded' : { available: free.available, total: free.total }
}
