import { mayChange, refusalOfWriter } from '../../catalog/commit/rules/index.ts'
import type { PagedCatalog } from '../../catalog/pages/index.ts'
import { HoldfastError } from '../../errors.ts'
import type { StoreContext } from '../context/context.ts'
import type { CopyOptions } from './options.ts'

/**
 * Rejects with `FENCED` if another writer owns the destination, so that no byte is sent to it in vain. The commit decides again. A
 * dry run takes nothing over, so it accepts what a copy would take over first.
 */
export function refuseOwned(
  { writer, backend, mayTakeOver }: StoreContext,
  newest: PagedCatalog,
  { dryRun = false }: Pick<CopyOptions, 'dryRun'>,
): void {
  if (dryRun && (mayTakeOver || mayChange(newest, writer))) return
  const refused = refusalOfWriter(newest, writer)
  if (refused === undefined) return
  throw new HoldfastError('FENCED', refused.why, { url: backend.url, hint: refused.hint })
}
