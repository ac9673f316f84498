import type { PageLimits } from '../../environment.ts'
import { sha256Hex } from '../../integrity/index.ts'
import {
  mostRetired,
  type CatalogEntry,
  encodePage,
  type Line,
  type PageContent,
  type PageId,
  type PageReference,
  type RecordedMetrics,
} from '../documents/index.ts'
import { LinePacker, type WritePage } from './line-packer.ts'
import { idsOf, type Page } from './page.ts'
import type { PagedCatalog } from './paged-catalog.ts'

/** A page to write before the catalog. */
export interface NewPage {
  readonly page: PageId
  readonly bytes: Uint8Array
}

/** A version of the catalog whose older lines are in pages, ready to write. */
export interface Folded<C extends PagedCatalog> {
  readonly catalog: C
  /** Must be written before the catalog. */
  readonly newPages: readonly NewPage[]
}

/**
 * Distributes the lines of a computed version between its document and pages. Keeps each page whose lines are unchanged.
 * Writes changed lines to new pages with unique names.
 */
export function fold<C extends PagedCatalog>(
  next: C,
  pageLimits: PageLimits,
  newPage: () => PageId,
): Folded<C> {
  const newPages: NewPage[] = []
  const write = (content: PageContent): Pick<PageReference, 'page' | 'sha256'> => {
    const page = newPage()
    const bytes = encodePage(page, content, next.format)
    newPages.push({ page, bytes })
    return { page, sha256: sha256Hex(bytes) }
  }
  const writeReferences: WritePage<PageReference> = (content) =>
    write({ holds: 'pages', content: [...content] })
  const ofCheckpoints = new LinePacker<CatalogEntry>(
    pageLimits.checkpoints,
    pageLimits.references,
    (content) => write({ holds: 'checkpoints', content: [...content] }),
    writeReferences,
  )
  const ofMetrics = new LinePacker<RecordedMetrics>(
    pageLimits.metrics,
    pageLimits.references,
    (content) => write({ holds: 'metrics', content: [...content] }),
    writeReferences,
  )
  const checkpoints = ofCheckpoints.fold(next.checkpoints)
  const metrics = ofMetrics.fold(next.metrics)
  const gone = [
    ...idsGone(next.checkpoints.pages, checkpoints.pages),
    ...idsGone(next.metrics.pages, metrics.pages),
  ]
  // No version below the floor is read.
  const retired = [...next.retired, ...gone.map((page) => ({ page, since: next.version }))]
    .filter(({ since }) => since > next.floor)
    // A page that is no longer named may be swept, and older versions then lack it. This affects only a repair that
    // returns to such a version, and it finds the checkpoints of the page by their files.
    .slice(-mostRetired)
  return { catalog: { ...next, checkpoints, metrics, retired }, newPages }
}

/** Pages that were needed before and are not needed now. */
function idsGone<L extends Line>(before: readonly Page<L>[], after: readonly Page<L>[]): readonly PageId[] {
  const stayed = new Set(after)
  const moved = before.filter((page) => !stayed.has(page))
  if (moved.length === 0) return []
  const needed = new Set(idsOf(after))
  return idsOf(moved).filter((page) => !needed.has(page))
}
