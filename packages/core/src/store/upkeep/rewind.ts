import { applyChange, recordMetrics } from '../../catalog/commit/changes/index.ts'
import { noCheckpointOfStep } from '../../catalog/judging/choose.ts'
import type { CatalogEntry } from '../../catalog/documents/index.ts'
import { keepingOf } from '../../catalog/judging/recorded-keeping.ts'
import { abandonedCheckpoints } from '../../catalog/judging/checkpoint.ts'
import { HoldfastError } from '../../errors.ts'
import { type PagedCatalog, wholeCatalog, type WholeCatalog } from '../../catalog/pages/index.ts'
import type { StoreContext } from '../context/context.ts'
import { judgedNow } from '../context/judged-now.ts'
import type { ChangeWriter } from './change-writer.ts'

/** The options of `store.rewind()`. */
export interface RewindOptions {
  /** Return what would be abandoned; change nothing. */
  readonly dryRun?: boolean | undefined
  readonly signal?: AbortSignal | undefined
}

/** A checkpoint that a rewind abandoned. */
export interface AbandonedCheckpoint {
  readonly step: number
  readonly bytes: number
  /** Why it stays. The next save drops it if this is empty. */
  readonly keptBecause: readonly string[]
}

/** What `store.rewind()` did, or with `dryRun` would do. */
export interface RewindReport {
  /** The step that is the latest now. */
  readonly step: number
  /** What this rewind abandoned, the earliest save first. */
  readonly abandoned: readonly AbandonedCheckpoint[]
}

/** Returns to an older checkpoint in one commit. */
export async function rewindStore(
  context: StoreContext,
  writer: ChangeWriter,
  step: number,
  { dryRun = false, signal }: RewindOptions,
): Promise<RewindReport> {
  if (dryRun) {
    const before = await context.log.whole(signal)
    return rewindReport(context, step, before, rewound(context, before, step))
  }
  const before = await context.log.whole(signal)
  const { catalog } = await writer.write({ kind: 'rewind', step }, signal)
  return rewindReport(context, step, before, await context.log.wholeOf(catalog, signal))
}

/** The lists after a rewind that is not committed. Throws what the commit would reject. */
function rewound({ keeping, environment }: StoreContext, before: WholeCatalog, step: number): PagedCatalog {
  const change = { kind: 'rewind', step } as const
  const { objectives } = keepingOf(keeping, before)
  const applied = applyChange(before, change, { objectives, at: environment.now().toISOString() })
  if (applied.kind === 'refused') throw new HoldfastError(applied.code, applied.why, { hint: applied.hint })
  const { checkpoints, abandoned } = applied
  return { ...before, checkpoints, abandoned: [...abandoned], metrics: recordMetrics(before, change) }
}

/** The checkpoint to which a rewind returns. Throws what the commit would reject. */
export function rewindTarget(context: StoreContext, before: WholeCatalog, step: number): CatalogEntry {
  const target = rewound(context, before, step).checkpoints.get(step)
  if (target === undefined) throw new HoldfastError('NOT_FOUND', noCheckpointOfStep(step))
  return target
}

/** What a rewind abandoned, by the versions of the catalog before and after it. */
export function rewindReport(
  context: StoreContext,
  step: number,
  before: PagedCatalog,
  after: PagedCatalog,
): RewindReport {
  const known = new Set((before.abandoned ?? []).map(({ attempt }) => attempt))
  const judged = judgedNow(context, wholeCatalog(after))
  const fresh = (after.abandoned ?? []).map(({ attempt }) => !known.has(attempt))
  return {
    step,
    abandoned: abandonedCheckpoints(judged)
      .filter((_, place) => fresh[place])
      .map((checkpoint) => ({
        step: checkpoint.step,
        bytes: checkpoint.bytes,
        keptBecause: checkpoint.keptBecause,
      })),
  }
}
