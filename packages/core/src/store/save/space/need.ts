import type { BackendCapabilities } from '../../../backend/index.ts'
import type { PagedCatalog } from '../../../catalog/pages/index.ts'
import type { Need } from '../../../space/index.ts'
import type { PlannedFile } from '../../attempts/content.ts'
import { planPacks } from '../../attempts/packs/plan-packs.ts'
import { packObject } from '../../attempts/packs/write-pack.ts'
import type { PackMode } from '../../context/pack-mode.ts'

/** What a save stores: its files, and whether they are packed. */
export interface FilesToStore {
  readonly files: readonly Pick<PlannedFile, 'name' | 'size'>[]
  readonly packs: PackMode
}

/** Number of recent checkpoints from which the size of a stream is estimated. */
export const recentCheckpoints = 3

/** Maximum space of a file beyond its size, in bytes: one block of the file system. */
const blockBytes = 4096

/** Generous estimate of the size of one line of the catalog, in bytes. */
const entryBytes = 1024

/** Generous estimate of the size of the line of a packed file in a manifest without its name, in bytes. */
const lineBytes = 512

/** Inodes of a commit: a version of the catalog and sometimes a page. */
const inodesOfCommit = 2

/** The inodes of the note about the writer and of its folder. */
const inodesOfNote = 2

/** Returns the space that a save needs at most. `catalog` has the recent checkpoints. */
export function spaceNeeded(
  toStore: FilesToStore,
  capabilities: BackendCapabilities,
  catalog: PagedCatalog,
): Need {
  return {
    bytes: bytesNeeded(toStore, capabilities, catalog),
    inodes: inodesNeeded(toStore, capabilities),
  }
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
