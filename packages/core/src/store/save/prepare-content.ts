import type { PagedCatalog } from '../../catalog/pages/index.ts'
import type { AttemptContent, PlannedFile } from '../attempts/content.ts'
import { FiniteRequirement } from '../attempts/require-finite.ts'
import type { StoreContext } from '../context/context.ts'
import { type Beginning, findReusable } from './find-reusable.ts'
import type { DecidedSave } from './decided-save.ts'

/** A request with what its attempt needs to write the files: the check of tensors, and the stored files to use again. */
export type SaveContent = DecidedSave & AttemptContent

/** Prepares the files of an attempt to be written. */
export async function prepareContent(
  context: StoreContext,
  newest: PagedCatalog,
  request: DecidedSave,
  files: readonly PlannedFile[],
  beginning: Beginning,
): Promise<SaveContent> {
  const finite = request.requireFinite === true ? new FiniteRequirement() : undefined
  return { ...request, finite, reuse: await findReusable(context, newest, request, files, beginning) }
}
