import type { CatalogEntry } from '../../catalog/documents/index.ts'
import { committedRewinds, foundRewinds } from '../upkeep/repair/rewinds.ts'
import { abandonedCopies } from './abandoned-copies.ts'
import type { CopySide } from './plan-copies.ts'
import type { CopyDestination, CopySource } from './sides.ts'

/** A destination after the rewinds of the source. */
export interface AfterRewindsOfSource {
  readonly side: CopySide
  /** The steps of the copies that were abandoned. */
  readonly abandoned: readonly number[]
}

/**
 * Abandons the copies whose originals were abandoned by rewinds of the source, so that their steps are free for what the source
 * saved there since. A dry run writes nothing, and returns the destination as it would be.
 */
export async function followRewinds(
  source: Pick<CopySource, 'context'>,
  from: CopySide,
  { context: { log } }: CopyDestination,
  to: CopySide,
  {
    dryRun = false,
    signal,
  }: { readonly dryRun?: boolean | undefined; readonly signal?: AbortSignal | undefined },
): Promise<AfterRewindsOfSource> {
  const left = await leftBehind(source, from, to, signal)
  if (left.length === 0) return { side: to, abandoned: [] }
  const abandoned = left.map(({ step }) => step)
  if (dryRun) {
    const attempts = new Set(left.map(({ attempt }) => attempt))
    const checkpoints = to.catalog.checkpoints.filter(({ attempt }) => !attempts.has(attempt))
    return { side: { ...to, catalog: { ...to.catalog, checkpoints } }, abandoned }
  }
  const copies = left.map(({ step, attempt }) => ({ step, attempt }))
  const { catalog } = await log.commit({ kind: 'abandon copies', copies }, signal)
  return { side: { ...to, catalog: await log.wholeOf(catalog, signal) }, abandoned }
}

async function leftBehind(
  { context }: Pick<CopySource, 'context'>,
  from: CopySide,
  to: CopySide,
  signal: AbortSignal | undefined,
): Promise<readonly CatalogEntry[]> {
  if (from.catalog.rewound === undefined || !hasUnlisted(from, to)) return []
  const rewinds = committedRewinds(await foundRewinds(context.backend, signal), from.catalog, [])
  return abandonedCopies(from, to, rewinds)
}

/** Whether the destination has a copy whose original the source does not list. Otherwise no rewind need be read. */
function hasUnlisted(from: CopySide, to: CopySide): boolean {
  const listed = new Set(from.catalog.checkpoints.all.map(({ attempt }) => attempt))
  return to.catalog.checkpoints.all.some(
    ({ origin }) => origin?.store === from.id && !listed.has(origin.attempt),
  )
}
