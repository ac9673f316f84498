import { refusalOfSave } from '../../catalog/commit/changes/index.ts'
import { assertNoContradiction, keepingOf } from '../../catalog/judging/recorded-keeping.ts'
import { lastPagedStep, type PagedCatalog } from '../../catalog/pages/index.ts'
import { HoldfastError } from '../../errors.ts'
import type { StoreContext } from '../context.ts'
import { planFiles } from './plan.ts'
import type { SaveRequest } from './request.ts'
import type { SaveResult } from './result.ts'
import { saveCheckpoint } from './save.ts'
import type { SpaceAccess } from './space.ts'

/** The requirements of a save before its first byte. */
export interface SaveAccess extends SpaceAccess {
  /** Returns the newest known version when this writer may save. */
  readyToSave(signal: AbortSignal | undefined): Promise<PagedCatalog>
  /** Resolves when the deletions of earlier operations have ended. */
  cleanedUp(signal: AbortSignal | undefined): Promise<void>
}

/** Saves the files of a request. Reports faults of the request before it creates the store or takes it over. */
export async function planAndSave(
  context: StoreContext,
  access: SaveAccess,
  request: SaveRequest,
): Promise<SaveResult> {
  const { exclude, signal } = request
  const storeRoot = context.backend.capabilities.localRoot
  const plan = await planFiles(request.files, { storeRoot, exclude, signal })
  const ready = (): Promise<PagedCatalog> => access.readyToSave(signal)
  // To make room on a full disk, the save may have to take the store over first.
  const newest = await (context.space.makeRoom ? access.freeing(signal, ready) : ready())
  await refuseEarly(context, newest, request)
  // Waits because earlier deletions free space.
  await access.cleanedUp(signal)
  return saveCheckpoint(context, newest, access, request, plan)
}

/** Rejects before the first byte what the commit would reject. The commit decides again. */
async function refuseEarly(
  { log, keeping }: StoreContext,
  newest: PagedCatalog,
  { step, onExisting = 'fail', allowBest, signal }: SaveRequest,
): Promise<void> {
  assertNoContradiction(keeping, newest)
  const isRecent = step > lastPagedStep(newest)
  if (isRecent && newest.checkpoints.get(step) === undefined) return
  const catalog = isRecent && onExisting === 'fail' ? newest : await log.wholeOf(newest, signal)
  const { objectives } = keepingOf(keeping, catalog)
  const refused = refusalOfSave(catalog, { step, onExisting, allowBest }, objectives)
  if (refused !== undefined) throw new HoldfastError(refused.code, refused.why, { hint: refused.hint })
}
