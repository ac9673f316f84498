import { savedMeanwhile } from '../../catalog/commit/changes/index.ts'
import { assertNoContradiction } from '../../catalog/judging/recorded-keeping.ts'
import type { PagedCatalog } from '../../catalog/pages/index.ts'
import type { CatalogEntry } from '../../catalog/documents/index.ts'
import { HoldfastError, isHoldfastError } from '../../errors.ts'
import { refuseEarly, refuseForeign } from '../attempts/refuse-early.ts'
import type { StoreContext } from '../context/context.ts'
import { sameAs } from './already-saved.ts'
import { planFiles, type SavePlan } from './plan.ts'
import type { DecidedSave } from './decided-save.ts'
import type { SaveResult } from './result.ts'
import { saveCheckpoint } from './save.ts'
import { saveAgain } from './save-again.ts'
import type { SpaceAccess } from './space/access.ts'

/** The requirements of a save before its first byte. */
export interface SaveAccess extends SpaceAccess {
  /** Returns the newest known version when this writer may save. */
  readyToSave(signal: AbortSignal | undefined): Promise<PagedCatalog>
  /** Deletes what killed processes of this machine left. */
  removeEnded(signal: AbortSignal | undefined): Promise<void>
  /** Resolves when the deletions of earlier operations have ended. */
  cleanedUp(signal: AbortSignal | undefined): Promise<void>
}

/** Saves the files of a request. Reports faults of the request before it creates the store or takes it over. */
export async function planAndSave(
  context: StoreContext,
  access: SaveAccess,
  request: DecidedSave,
): Promise<SaveResult> {
  const { exclude, signal } = request
  const { storeFolders } = context
  const plan = await planFiles(request.files, { storeFolders, exclude, signal })
  const ready = (): Promise<PagedCatalog> => access.readyToSave(signal)
  // To make room on a full disk, the save may have to take the store over first.
  const newest = await (context.space.makeRoom ? access.freeing(signal, ready) : ready())
  const existing = await listedAt(context, newest, request)
  if (existing !== undefined) {
    const manifest = await sameAs(context, existing, request, plan.files, request.onExisting === 'fail')
    if (manifest !== undefined) {
      await request.beforeCommit?.()
      return saveAgain(context, newest, access, request, { entry: existing, manifest })
    }
    if (request.onExisting === 'replace') refuseSavedSince(context, existing, request)
  }
  refuseForeign(context, newest)
  assertNoContradiction(context.keeping, newest, context.backend.url)
  await refuseEarly(context, newest, request)
  await access.removeEnded(signal)
  // Waits because earlier deletions free space.
  await access.cleanedUp(signal)
  try {
    return await saveCheckpoint(context, newest, access, request, plan, existing?.attempt ?? 'nothing')
  } catch (error) {
    if (!isHoldfastError(error, 'ALREADY_EXISTS')) throw error
    return await savedByOther(context, access, request, plan, error)
  }
}

/** Another writer saved the step while this save ran. That is a success if the bytes are the same. */
async function savedByOther(
  context: StoreContext,
  access: SaveAccess,
  request: DecidedSave,
  { files }: SavePlan,
  error: HoldfastError,
): Promise<SaveResult> {
  const newest = await context.log.newest(request.signal)
  const entry = await listedAt(context, newest, request)
  const manifest = entry && (await sameAs(context, entry, request, files, false))
  if (entry === undefined || manifest === undefined) throw error
  return saveAgain(context, newest, access, request, { entry, manifest })
}

/** Returns the checkpoint that the catalog lists under the step of a save. */
async function listedAt(
  { log }: StoreContext,
  newest: PagedCatalog,
  { step, signal }: DecidedSave,
): Promise<CatalogEntry | undefined> {
  return (await log.withStep(newest, step, signal)).checkpoints.get(step)
}

/** Throws `ALREADY_EXISTS` if the checkpoint to replace was saved after the program that replaces it had started. */
function refuseSavedSince(
  { backend }: StoreContext,
  { step, savedAt, storedAt = savedAt }: CatalogEntry,
  { startedAt }: DecidedSave,
): void {
  if (startedAt === undefined || Math.min(Date.parse(storedAt), Date.parse(savedAt)) < startedAt.getTime())
    return
  const { code, why, hint } = savedMeanwhile(step)
  throw new HoldfastError(code, why, { url: backend.url, hint })
}
