import type { CatalogEntry, MirrorRecord } from '../../documents/index.ts'
import { type PagedCatalog, wholeCatalog } from '../../pages/index.ts'
import { inOrderOfSaves } from './change.ts'

/**
 * Lets checkpoints that are listed again wait for the mirror, in the order of saves. Retention protects the latest that wait,
 * so at the end they would take the place of later checkpoints that the mirror does not have yet.
 */
export function waitingAgain(
  catalog: PagedCatalog,
  again: readonly CatalogEntry[],
): MirrorRecord | undefined {
  const { mirror } = catalog
  if (mirror === undefined || again.length === 0) return mirror
  const waits = new Set(mirror.waiting)
  const listed = wholeCatalog(catalog).checkpoints.all.filter(({ attempt }) => waits.has(attempt))
  const inOrder = inOrderOfSaves([...listed, ...again]).map(({ attempt }) => attempt)
  const known = new Set(inOrder)
  return { ...mirror, waiting: [...mirror.waiting.filter((attempt) => !known.has(attempt)), ...inOrder] }
}
