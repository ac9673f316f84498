import type { Drop } from '../../catalog/documents/index.ts'
import type { PagedCatalog } from '../../catalog/pages/index.ts'
import type { AttemptContent, PlannedFile } from '../attempts/content.ts'
import { FiniteRequirement } from '../attempts/require-finite.ts'
import type { StoreContext } from '../context/context.ts'
import { type Beginning, bytesToShare, findReusable } from './find-reusable.ts'
import type { SavePlan } from './plan.ts'
import type { SaveRequest } from './request.ts'
import type { SaveResult } from './result.ts'
import type { SpaceAccess } from './space/access.ts'
import { guardSpace } from './space/guard.ts'

/** A request with what its attempt needs to write the files: the check of tensors, and the stored files to use again. */
export type SaveContent = SaveRequest & AttemptContent

/**
 * Ensures that there is space for the files of a save before its first byte is written. Returns the checkpoints that were
 * dropped for that. `newest` is the newest known version of the catalog.
 */
export async function makeRoomForSave(
  context: StoreContext,
  access: SpaceAccess,
  request: SaveRequest,
  files: readonly PlannedFile[],
  newest: PagedCatalog,
): Promise<readonly Drop[]> {
  const { step, packs = 'auto', signal } = request
  const shared = (known: PagedCatalog): Promise<number> => bytesToShare(context, known, request, files)
  return guardSpace(
    { context, access, step, toStore: { files, packs }, bytesToShare: shared, signal },
    newest,
  )
}

/** Prepares the files of an attempt to be written. */
export async function prepareContent(
  context: StoreContext,
  newest: PagedCatalog,
  request: SaveRequest,
  files: readonly PlannedFile[],
  beginning: Beginning,
): Promise<SaveContent> {
  const finite = request.requireFinite === true ? new FiniteRequirement() : undefined
  return { ...request, finite, reuse: await findReusable(context, newest, request, files, beginning) }
}

/** Returns the members of a result that describe what the save did with its own files. */
export function effortOf(
  { environment }: StoreContext,
  { finite, reuse }: SaveContent,
  plan: SavePlan,
  began: Date,
): Pick<SaveResult, 'unchangedBytes' | 'warnings' | 'duration'> {
  return {
    unchangedBytes: reuse?.bytes ?? 0,
    warnings: [...plan.warnings, ...(finite?.warnings ?? [])],
    duration: environment.now().getTime() - began.getTime(),
  }
}
