import type { Drop } from '../../../catalog/documents/index.ts'
import type { PagedCatalog } from '../../../catalog/pages/index.ts'
import type { PlannedFile } from '../../attempts/content.ts'
import type { StoreContext } from '../../context/context.ts'
import { bytesToShare } from '../find-reusable.ts'
import type { DecidedSave } from '../decided-save.ts'
import type { SpaceAccess } from './access.ts'
import { guardSpace } from './guard.ts'

/**
 * Ensures that there is space for the files of a save before its first byte is written. Returns the checkpoints that were
 * dropped for that. `newest` is the newest known version of the catalog.
 */
export async function makeRoomForSave(
  context: StoreContext,
  access: SpaceAccess,
  request: DecidedSave,
  files: readonly PlannedFile[],
  newest: PagedCatalog,
): Promise<readonly Drop[]> {
  const { step, packs, signal } = request
  const shared = (known: PagedCatalog): Promise<number> => bytesToShare(context, known, request, files)
  return guardSpace(
    { context, access, step, toStore: { files, packs }, bytesToShare: shared, signal },
    newest,
  )
}
