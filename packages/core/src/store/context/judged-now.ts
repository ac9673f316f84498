import type { Judgement } from '../../catalog/judging/judgement.ts'
import { JudgedCatalog } from '../../catalog/judging/judged-catalog.ts'
import type { PagedCatalog } from '../../catalog/pages/index.ts'
import type { StoreContext } from './context.ts'

/**
 * Returns a catalog with its judgement by this process at the current time. An operation calls this once and passes the
 * result on.
 */
export function judgedNow(
  { keeping, environment }: Pick<StoreContext, 'keeping' | 'environment'>,
  catalog: PagedCatalog,
  judgement?: Judgement,
): JudgedCatalog {
  return new JudgedCatalog(catalog, keeping, environment.now(), judgement)
}
