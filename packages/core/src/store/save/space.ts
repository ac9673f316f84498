import type { CheckpointBackend } from '../../backend/index.ts'
import { HoldfastError } from '../../errors.ts'
import { formatSize, judgeSpace, type Room, type SpaceLimits } from '../../space/index.ts'
import type { Catalog } from '../documents/index.ts'
import type { StoreEventEmitter } from '../events.ts'
import type { PlannedFile } from './plan.ts'

/** What a file or document takes at most beyond its own bytes, in bytes: a block of the file system. */
const blockBytes = 4096

/** What one line of the catalog takes, in bytes, generously. */
const entryBytes = 1024

/** Checkpoints whose size is looked at where a stream does not tell its own. */
const recentCheckpoints = 3

/** Throws `INSUFFICIENT_SPACE` before a byte is written when the save would leave less free than is to be kept. */
export async function guardSpace(
  backend: CheckpointBackend,
  limits: SpaceLimits,
  step: number,
  files: readonly PlannedFile[],
  catalog: Catalog,
  events: StoreEventEmitter,
  signal: AbortSignal | undefined,
): Promise<void> {
  if (backend.capabilities.freeSpace === 'unbounded') return
  const needed = bytesNeeded(files, catalog)
  const room = await roomOf(backend, signal)
  const verdict = judgeSpace(needed, room, limits)
  if (verdict.kind === 'low') events.emit('spaceLow', { left: verdict.left, threshold: verdict.threshold })
  if (verdict.kind !== 'refused' || room === 'unbounded') return
  const kept = verdict.kept > 0 ? ` and ${formatSize(verdict.kept)} is kept free` : ''
  throw new HoldfastError(
    'INSUFFICIENT_SPACE',
    `Not enough space: step ${step} needs ${formatSize(needed)}${kept}, but only ${formatSize(room.available)} is there. ` +
      `Nothing was written. Free ${formatSize(verdict.missing)}: remove checkpoints (holdfast rm), or other files.`,
    { url: backend.url },
  )
}

/**
 * Bytes that the save will add, rounded up. What is replaced is still there until the commit, so it counts
 * for nothing. Where a stream does not tell its size, the largest of the latest checkpoints is the guess.
 */
function bytesNeeded(files: readonly PlannedFile[], catalog: Catalog): number {
  const known = files.reduce((sum, { size = 0 }) => sum + size, 0)
  const recent = catalog.checkpoints.slice(-recentCheckpoints).map(({ bytes }) => bytes)
  const guess = files.some(({ size }) => size === undefined) ? Math.max(known, ...recent) : known
  return guess + blockBytes * (files.length + 2) + entryBytes * (catalog.checkpoints.length + 1)
}

async function roomOf(backend: CheckpointBackend, signal: AbortSignal | undefined): Promise<Room> {
  const free = await backend.freeSpace({ signal })
  return free.kind === 'unbounded' ? 'unbounded' : { available: free.available, total: free.total }
}
