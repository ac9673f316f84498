import { refusalOfSave } from '../../catalog/commit/changes/index.ts'
import type { AttemptId } from '../../catalog/documents/index.ts'
import { fenced } from '../../catalog/commit/refusals.ts'
import { refusalOfWriter } from '../../catalog/commit/rules/index.ts'
import { keepingOf } from '../../catalog/judging/recorded-keeping.ts'
import { lastPagedStep, type PagedCatalog } from '../../catalog/pages/index.ts'
import { HoldfastError } from '../../errors.ts'
import type { StoreContext } from '../context/context.ts'

/** What a save or a copy says about the step that it commits. */
interface CommitOfStep {
  readonly step: number
  readonly onExisting: 'fail' | 'replace'
  readonly allowBest?: boolean | undefined
  readonly signal?: AbortSignal | undefined
}

/**
 * Rejects before the first byte what the commit of a step would reject. The commit decides again. `own` is the attempt of this
 * save, if another process may have committed it.
 */
export async function refuseEarly(
  { backend, log, keeping }: StoreContext,
  newest: PagedCatalog,
  { step, onExisting, allowBest, signal }: CommitOfStep,
  own?: AttemptId,
): Promise<void> {
  const isRecent = step > lastPagedStep(newest)
  if (isRecent && newest.checkpoints.get(step) === undefined) return
  const catalog = isRecent && onExisting === 'fail' ? newest : await log.wholeOf(newest, signal)
  if (own !== undefined && catalog.checkpoints.get(step)?.attempt === own) return
  const { objectives } = keepingOf(keeping, catalog)
  const refused = refusalOfSave(catalog, { step, onExisting, allowBest }, objectives)
  if (refused === undefined) return
  throw new HoldfastError(refused.code, refused.why, { url: backend.url, hint: refused.hint })
}

/** Rejects with `FENCED` before the first byte if another writer owns the store. The commit decides again. */
export function refuseForeign({ backend, writer }: StoreContext, newest: PagedCatalog): void {
  const refused = refusalOfWriter(newest, writer)
  if (refused !== undefined) throw fenced(refused.why, backend.url, refused.hint)
}
