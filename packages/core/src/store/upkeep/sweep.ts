import { settledAgreements } from '../agreements/copies.ts'
import { isDeadIn, mayCommit } from '../../catalog/commit/rules/index.ts'
import { graceOf } from '../../catalog/judging/recorded-keeping.ts'
import type { StoreContext } from '../context/context.ts'
import { attemptOfKey, dataPrefix, isOwnFolder, isOwnWork } from '../../catalog/documents/index.ts'
import { attemptsOf, type PagedCatalog, type WholeCatalog } from '../../catalog/pages/index.ts'
import { type Deletion, deleteKeys } from '../attempts/delete-attempts.ts'
import { inGrace } from '../attempts/delete-dropped.ts'
import { type Dead, DeadKeys } from './dead-keys.ts'
import { toForget } from './due-removals.ts'
import type { UnfinishedSaves } from '../attempts/unfinished.ts'

/** The options of `store.sweep()`. */
export interface StoreSweepOptions {
  /** Reports what would be deleted, and changes nothing. */
  readonly dryRun?: boolean | undefined
  /**
   * Deletes the unfinished saves of other writers at once, instead of after the grace period. A save of a process that this
   * machine knows to be running stays. Other saves that still run are rejected with `FENCED`. Also deletes removed checkpoints
   * that could still be undone. Default: false.
   */
  readonly now?: boolean | undefined
  readonly signal?: AbortSignal | undefined
}

/** What `store.sweep()` deleted, or with `dryRun` would delete, and what it kept. */
export interface StoreSweepReport {
  /** Objects and bytes of attempts that can never be committed, or were dropped. */
  readonly attempts: number
  readonly objects: number
  readonly bytes: number
  /** Catalog versions below the floor. */
  readonly catalogVersions: number
  /** Pages of the catalog that no version needs, or only those below the floor. */
  readonly catalogPages: number
  /** Temporary files, unfinished uploads and similar work of this kind of store. */
  readonly unfinished: number
  /** Unfinished saves of other writers. They are kept, because those writers may be running. */
  readonly unfinishedSaves: UnfinishedSaves
  /** Objects that could not be deleted. */
  readonly failed: Deletion['failed']
  /** Keys that Holdfast did not write. They are kept. A folder that this user may not read ends with `/`. */
  readonly foreign: readonly string[]
}

/**
 * Returns whether a run should sweep the whole store between two versions, instead of deleting only its own leftovers.
 * A sweep lists every object. With more checkpoints it runs less often, so its share of the cost of a commit stays
 * constant. With a grace period it always runs, because the catalog may no longer name attempts whose grace period has
 * ended.
 */
export function isSweepDue(context: StoreContext, from: number, to: PagedCatalog): boolean {
  const { tidyEvery } = context.environment
  if (graceOf(context.keeping, to) > 0) return true
  // Rounded up so that it seldom changes. Processes that save once each then pass the same multiples as one process.
  const interval = tidyEvery * 2 ** Math.ceil(Math.log2(Math.max(1, to.checkpoints.length / tidyEvery)))
  return Math.floor(to.version / interval) > Math.floor(from / interval)
}

/** What one pass over the store removed, and what it did not. */
export type SweptOnce = Omit<StoreSweepReport, 'unfinishedSaves'>

/** Merges the reports of two passes. The later pass found again what the earlier one had left. */
export function bothPasses(earlier: SweptOnce | undefined, later: SweptOnce): SweptOnce {
  if (earlier === undefined) return later
  return {
    ...later,
    attempts: earlier.attempts + later.attempts,
    objects: earlier.objects + later.objects,
    bytes: earlier.bytes + later.bytes,
    catalogVersions: earlier.catalogVersions + later.catalogVersions,
    catalogPages: earlier.catalogPages + later.catalogPages,
    unfinished: earlier.unfinished + later.unfinished,
  }
}

/**
 * Deletes dead attempts, dropped attempts, old catalog versions and pages, and unfinished work of this kind of store. Reads
 * the newest catalog before it lists objects. So whatever is committed meanwhile began at or above the floor that it uses. It
 * can be interrupted and repeated.
 */
export async function sweepStore(
  context: StoreContext,
  newest: WholeCatalog,
  options: StoreSweepOptions,
): Promise<SweptOnce> {
  const { backend, gracePeriod } = context
  const { signal, dryRun = false, now = false } = options
  const spared = inGrace(context, newest)
  const isDead = isDeadIn(newest)
  // A dry run does not drop them first.
  const forgotten = new Set(
    dryRun ? toForget(newest, now ? 'all' : 'expired', context.environment.now()) : [],
  )
  const mayGo = (key: string): boolean => {
    const attempt = attemptOfKey(key)
    if (attempt === undefined) return isDead(key)
    return (isDead(key) && !spared.has(attempt)) || forgotten.has(attempt)
  }
  const dead = await findDead(context, newest, mayGo, signal)
  const deletion = dryRun ? { deleted: 0, failed: [] } : await deleteKeys(backend, dead.keys, signal)
  const ofAttempts = await backend.sweep({
    olderThan: 0,
    prefix: dataPrefix,
    only: mayGo,
    dryRun,
    signal,
  })
  const listed = attemptsOf(newest)
  const ofOthers = await backend.sweep({
    olderThan: gracePeriod,
    // Other programs may keep data below the same root, such as another store. A sweep does not delete it. An attempt that is
    // neither listed nor dead may still run or be continued, however old its unfinished work is.
    only: (key) => {
      const attempt = attemptOfKey(key)
      return attempt === undefined ? isOwnWork(key) : listed.has(attempt)
    },
    mayOmit: (folder) => !isOwnFolder(folder),
    dryRun,
    signal,
  })
  const temporary = [...ofAttempts.discarded, ...ofOthers.discarded]
  const attempts = new Set<string>(dead.attempts)
  for (const { key } of ofAttempts.discarded) attempts.add(attemptOfKey(key) ?? key)
  return {
    attempts: attempts.size,
    objects: dead.keys.length,
    bytes: temporary.reduce((sum, { size = 0 }) => sum + size, dead.bytes),
    catalogVersions: dead.catalogVersions,
    catalogPages: dead.catalogPages,
    unfinished: temporary.length,
    failed: deletion.failed,
    foreign: dead.foreign,
  }
}

/**
 * Returns the floor that a commit can set now. It is at most the base of this writer's oldest attempt. In exclusive mode it is
 * the newest version, since no other writer has an attempt. In shared mode it is the newest version that is older than the
 * grace period by the store's clock. `now` defaults to the time of the newest version.
 */
export async function floorToRaise(
  { log, writer, gracePeriod }: StoreContext,
  newest: PagedCatalog,
  oldestBase: number,
  signal?: AbortSignal,
  now?: Date,
): Promise<number> {
  if (!mayCommit(newest, writer)) return newest.floor
  if (writer.mode === 'exclusive') {
    // One version above the floor is the commit that raised it.
    return newest.version - newest.floor <= 1 ? newest.floor : Math.min(oldestBase, newest.version)
  }
  const storeTime = (now ?? (await log.newestListed(newest.version, signal))?.storedAt)?.getTime() ?? 0
  let old = newest.floor
  for await (const { version, storedAt } of log.versions(Math.max(newest.floor, 1), signal)) {
    if (storeTime - storedAt.getTime() <= gracePeriod) break
    old = version
  }
  return Math.min(old, oldestBase)
}

/** Lists the whole store, and returns what of it is dead. */
async function findDead(
  context: StoreContext,
  newest: WholeCatalog,
  mayGo: (key: string) => boolean,
  signal: AbortSignal | undefined,
): Promise<Dead> {
  const { backend, gracePeriod } = context
  const found = new DeadKeys(mayGo, gracePeriod)
  const mayOmit = (folder: string): boolean => found.mayOmit(folder)
  for await (const object of backend.list('', { mayOmit, signal })) found.add(object)
  return found.finish(await settledAgreements(context, newest, found.ofCopies, signal))
}
