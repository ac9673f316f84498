import { numberOfSegment, segmentsOf } from '../../catalog/commit/segments.ts'
import type { CopySide } from './plan-copies.ts'
import type { CopyDestination } from './sides.ts'

/** The id of a destination that does not exist yet. No store has it. */
export const noStore = ''

/** Creates the destination if it is new, and numbers the segments of the source in it. A dry run writes nothing. */
export async function prepareDestination(
  { context, access, id }: CopyDestination,
  source: CopySide,
  {
    dryRun = false,
    signal,
  }: { readonly dryRun?: boolean | undefined; readonly signal?: AbortSignal | undefined },
): Promise<CopySide> {
  const { log } = context
  if (dryRun) return { id: (await id(signal)) ?? noStore, catalog: await log.whole(signal) }
  const newest = await access.readyToSave(signal)
  await access.cleanedUp(signal)
  const store = (await id(signal)) ?? noStore
  const segments = segmentsOf(source.catalog, source.id)
  if (segments.some((named) => numberOfSegment(newest, store, named) === undefined))
    await log.commit({ kind: 'open segments', store, segments }, signal)
  return { id: store, catalog: await log.whole(signal) }
}
