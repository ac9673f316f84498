import type { CheckpointBackend } from '../../../backend/index.ts'
import type { PagedCatalog } from '../../../catalog/pages/index.ts'
import { judgeSpace, type Need, type Room, type SpaceVerdict } from '../../../space/index.ts'
import type { StoreContext } from '../../context/context.ts'
import type { SpaceAccess } from './access.ts'
import { type Deletable, findDeletable } from './deletable.ts'
import { type FilesToStore, recentCheckpoints, spaceNeeded } from './need.ts'

/** A save before its first byte. */
export interface ComingSave {
  readonly context: StoreContext
  readonly access: SpaceAccess
  readonly step: number
  readonly toStore: FilesToStore
  /** Returns how many bytes of the files the save shares with stored ones instead of writing them. Default: none. */
  readonly bytesToShare?: ((catalog: PagedCatalog) => Promise<number>) | undefined
  readonly signal: AbortSignal | undefined
}

/** Why a save does not fit into the free space. `available` is what is free. */
export type Refusal = Extract<SpaceVerdict, { kind: 'refused' }> & { readonly available: Need }

/** The space that is missing for a save. */
export interface Shortage {
  readonly needed: Need
  readonly refused: Refusal
  /** Finds what could be deleted. Lists all files of the store, once. */
  readonly deletable: () => Promise<Deletable>
}

/** Returns the space that is missing for a save; `undefined` if it fits. */
export async function findShortage(
  { context, access, step, toStore, bytesToShare, signal }: ComingSave,
  catalog: PagedCatalog,
): Promise<Shortage | undefined> {
  const recent = await withRecent(context, catalog, signal)
  const most = spaceNeeded(toStore, context.backend.capabilities, recent)
  if ((await refusal(context, most, signal)) === undefined) return undefined
  const needed = { ...most, bytes: most.bytes - ((await bytesToShare?.(catalog)) ?? 0) }
  const refused = await refusal(context, needed, signal)
  if (refused === undefined) return undefined
  const missing = { ...refused.missing, because: `to make room for step ${step}` }
  let found: Promise<Deletable> | undefined
  return {
    needed,
    refused,
    deletable: () => (found ??= findDeletable(context, access.attempts, catalog, missing, signal)),
  }
}

/** Returns a catalog with recent checkpoints, even if those in its document were deleted. */
async function withRecent(
  { log }: StoreContext,
  catalog: PagedCatalog,
  signal: AbortSignal | undefined,
): Promise<PagedCatalog> {
  return catalog.checkpoints.recent.length < recentCheckpoints ? log.wholeOf(catalog, signal) : catalog
}

async function refusal(
  { backend, space, events }: StoreContext,
  needed: Need,
  signal: AbortSignal | undefined,
): Promise<Refusal | undefined> {
  const room = await roomOf(backend, signal)
  const verdict = judgeSpace(needed, room, space)
  if (verdict.kind === 'low') events.emit('spaceLow', { left: verdict.left, threshold: verdict.threshold })
  if (verdict.kind !== 'refused' || room === 'unbounded') return undefined
  return { ...verdict, available: { bytes: room.available, inodes: room.inodes ?? Infinity } }
}

async function roomOf(backend: CheckpointBackend, signal: AbortSignal | undefined): Promise<Room> {
  const free = await backend.freeSpace({ signal })
  if (!('available' in free)) return 'unbounded'
  const inodes = free.kind === 'measured' ? free.files?.available : undefined
  return { available: free.available, total: free.total, inodes }
}
