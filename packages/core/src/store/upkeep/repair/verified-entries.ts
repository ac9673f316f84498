import { concurrently } from '../../../async/concurrently.ts'
import type { CatalogEntry, Quarantined } from '../../../catalog/documents/index.ts'
import type { WholeCatalog } from '../../../catalog/pages/index.ts'
import { problemsOf } from '../../attempts/problems.ts'
import type { StoreContext } from '../../context/context.ts'

/** Maximum number of checkpoints that are read concurrently. */
const checkpointsAtOnce = 8

/** An attempt that a repair quarantines. */
export interface SetAside {
  readonly entry: CatalogEntry
  readonly reason: string
  /** Whether a rewind left it behind. */
  readonly abandoned?: boolean | undefined
}

/** Entries whose files all exist with the right size, and the others with reasons. */
export interface Separated {
  readonly whole: readonly CatalogEntry[]
  readonly incomplete: readonly SetAside[]
}

/** Separates entries whose files all exist with the right size from the others. */
export async function separateWhole(
  context: StoreContext,
  entries: readonly CatalogEntry[],
  signal: AbortSignal | undefined,
): Promise<Separated> {
  const judged = await concurrently(entries, checkpointsAtOnce, signal, async (entry, taskSignal) => ({
    entry,
    problems: await problemsOf(context, entry, { quick: true, signal: taskSignal }),
  }))
  return {
    whole: judged.filter(({ problems }) => problems.length === 0).map(({ entry }) => entry),
    incomplete: judged
      .filter(({ problems }) => problems.length > 0)
      .map(({ entry, problems }) => ({ entry, reason: problems.join('; ') })),
  }
}

/** Returns quarantined checkpoints that verify now, and whose step was not saved again. */
export async function verifiedAgain(
  context: StoreContext,
  { checkpoints }: WholeCatalog,
  quarantined: readonly Quarantined[],
  signal: AbortSignal | undefined,
): Promise<readonly CatalogEntry[]> {
  const good: CatalogEntry[] = []
  for (const { entry, abandoned: isAbandoned = false } of quarantined) {
    if (isAbandoned || checkpoints.get(entry.step) !== undefined) continue
    if ((await problemsOf(context, entry, { signal })).length === 0) good.push(entry)
  }
  return good
}
