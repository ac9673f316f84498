import { ListedCandidate } from '../../catalog/judging/candidate.ts'
import type { CatalogEntry } from '../../catalog/documents/index.ts'
import { jumpSince } from '../../retention/index.ts'
import type { StoreContext } from '../context/context.ts'

/** Number of earlier pauses between saves with which the last pause is compared. */
const pausesCompared = 16

/**
 * Returns the line of a save with the time by which the clock seems to have jumped since the previous save. Applies only to
 * a local store, which has no other clock than this machine. The clock of an object store is trusted.
 */
export function withClockJump(
  { backend, log, keeping, environment }: StoreContext,
  entry: CatalogEntry,
): CatalogEntry {
  if (backend.capabilities.localRoot === undefined || log.known === undefined) return entry
  const { checkpoints, abandoned = [] } = log.known
  const clockJump = jumpSince(
    keeping.retention,
    checkpoints.last(pausesCompared).map(candidateOf),
    abandoned.map(candidateOf),
    { now: environment.now(), storeNow: storedAtOf(entry) },
  )
  return clockJump > 0 ? { ...entry, clockJump: Math.round(clockJump) } : entry
}

function candidateOf(entry: CatalogEntry): ListedCandidate {
  return new ListedCandidate(entry, undefined)
}

/** Returns the time at which the manifest of a checkpoint was stored, by the clock of the store. */
export function storedAtOf({ storedAt }: CatalogEntry): Date | undefined {
  return storedAt === undefined ? undefined : new Date(storedAt)
}
