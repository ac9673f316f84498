import {
  applyChange,
  type ChangeOf,
  mirrorAfter,
  notRemoved,
  recordMetrics,
} from '../../catalog/commit/changes/index.ts'
import type { CatalogEntry, Removed } from '../../catalog/documents/index.ts'
import { removedCheckpoint, type RemovedCheckpoint } from '../../catalog/judging/removed.ts'
import { keepingOf } from '../../catalog/judging/recorded-keeping.ts'
import { latestAfter, type PagedCatalog, type WholeCatalog, wholeCatalog } from '../../catalog/pages/index.ts'
import { HoldfastError } from '../../errors.ts'
import type { StoreContext } from '../context/context.ts'
import type { ChangeWriter } from './change-writer.ts'
import { refuseWithoutCatalog } from './missing-store.ts'
import { separateWhole } from './repair/verified-entries.ts'

/** The options of `store.undo()`. */
export interface UndoOptions {
  /** The steps to list again. Default: all that the last deletion removed. */
  readonly steps?: readonly number[] | undefined
  /** Return what would be listed again; change nothing. */
  readonly dryRun?: boolean | undefined
  readonly signal?: AbortSignal | undefined
}

/** A checkpoint that an undo listed again. */
export interface UndoneCheckpoint extends RemovedCheckpoint {
  /** Why the next save would drop it again; `undefined` if it would stay. */
  readonly nextDropBecause: string | undefined
}

/** Returns what the next save after a version of the catalog would drop. */
type NextDrops = (after: WholeCatalog) => readonly {
  readonly step: number
  readonly because: string
  readonly isAbandoned: boolean
}[]

/** Lists deleted checkpoints again in one commit, or none of them. */
export async function undoDeletion(
  context: StoreContext,
  writer: ChangeWriter,
  { steps, dryRun = false, signal }: UndoOptions,
  nextDrops: NextDrops,
): Promise<readonly UndoneCheckpoint[]> {
  if (steps?.length === 0) return []
  await refuseWithoutCatalog(context, signal)
  const before = await context.log.whole(signal)
  const chosen = steps === undefined ? lastRemoved(context, before) : removedOf(before, steps)
  const change = { kind: 'undo', attempts: chosen.map(({ entry }) => entry.attempt) } as const
  const planned = undone(context, before, change)
  await refuseDamaged(context, chosen, signal)
  const after = dryRun
    ? planned
    : await context.log.wholeOf((await writer.write(change, signal)).catalog, signal)
  const drops = nextDrops(after)
  return chosen.map(removedCheckpoint).map((each) => ({
    ...each,
    nextDropBecause: drops.find(
      ({ step, isAbandoned }) => step === each.step && isAbandoned === each.isAbandoned,
    )?.because,
  }))
}

/** What the last deletion removed and nothing has listed or deleted since. */
function lastRemoved({ backend }: StoreContext, { removed = [] }: WholeCatalog): readonly Removed[] {
  const last = removed.at(-1)
  if (last !== undefined) return removed.filter(({ version }) => version === last.version)
  throw new HoldfastError(
    'NOT_FOUND',
    'There is nothing to undo: no deletion is recorded whose files are still kept.',
    { url: backend.url, hint: { kind: 'keep-for-undo' } },
  )
}

/** Returns the checkpoint of each step that was removed last. */
function removedOf({ removed = [] }: WholeCatalog, steps: readonly number[]): readonly Removed[] {
  return [...new Set(steps)].map((step) => {
    const last = removed.findLast(({ entry }) => entry.step === step)
    if (last !== undefined) return last
    const { code, why, hint } = notRemoved(step)
    throw new HoldfastError(code, why, { hint })
  })
}

/** Throws if another process has deleted the files since this one read the list. */
function refuseForgotten({ removed = [] }: PagedCatalog, { step, attempt }: CatalogEntry): void {
  if (removed.some(({ entry }) => entry.attempt === attempt)) return
  const { code, why, hint } = notRemoved(step)
  throw new HoldfastError(code, why, { hint })
}

/** The catalog after an undo that is not committed. Throws what the commit would reject. */
function undone(
  { keeping, environment }: StoreContext,
  before: WholeCatalog,
  change: ChangeOf<'undo'>,
): WholeCatalog {
  const { objectives } = keepingOf(keeping, before)
  const applied = applyChange(before, change, { objectives, at: environment.now().toISOString() })
  if (applied.kind === 'refused') throw new HoldfastError(applied.code, applied.why, { hint: applied.hint })
  const { checkpoints, abandoned } = applied
  const latest = latestAfter(checkpoints, before.latest)
  const metrics = recordMetrics(before, change)
  const mirror = mirrorAfter(before, change, [])
  return wholeCatalog({
    ...before,
    checkpoints,
    latest,
    abandoned: [...abandoned],
    metrics,
    ...(mirror === undefined ? {} : { mirror }),
  })
}

/** Compares the sizes of the files, and reads only manifests. A file can be damaged, or gone because the catalog was lost. */
async function refuseDamaged(
  context: StoreContext,
  chosen: readonly Removed[],
  signal: AbortSignal | undefined,
): Promise<void> {
  const { incomplete } = await separateWhole(
    context,
    chosen.map(({ entry }) => entry),
    signal,
  )
  const [damaged] = incomplete
  if (damaged === undefined) return
  const { entry, reason } = damaged
  refuseForgotten(await context.log.newest(signal), entry)
  throw new HoldfastError(
    'CORRUPT',
    `Step ${entry.step} cannot be undone, because its files are damaged: ${reason}. ` +
      'Nothing was changed. To undo the other steps, name them.',
    { url: context.backend.url },
  )
}
