import { sha256Hex } from '../../integrity/index.ts'
import {
  type Catalog,
  type CatalogEntry,
  encodePage,
  type Line,
  type Older,
  type PageContent,
  type PageId,
  type PageReference,
  type RecordedMetrics,
} from '../documents/index.ts'
import { Folder, type Folding, idsOf, type WritePage } from './folder.ts'
import {
  isWhole,
  type Page,
  type Pages,
  pagesOf,
  type WholeCatalog,
  withoutPages,
  withPages,
} from './page.ts'

export interface Foldings {
  readonly checkpoints: Folding
  readonly metrics: Folding
  /** References to pages of one depth. */
  readonly references: Folding
}

/**
 * Such that a catalog stays near 60 KB, however long the run, and the latest 16 checkpoints stand in it unless they were
 * deleted.
 */
export const defaultFoldings: Foldings = {
  checkpoints: { inline: 80, page: 64 },
  metrics: { inline: 160, page: 128 },
  references: { inline: 24, page: 16 },
}

/**
 * Retired pages that a version names at most. What is no longer named may be swept, and a version that needed it then
 * lacks it: that matters to a repair which must go back so far, and finds by their bytes what the page listed.
 */
const mostRetired = 128

/** A page that is to be written. */
export interface NewPage {
  readonly page: PageId
  readonly bytes: Uint8Array
}

/** A version of the catalog as it is written, its older lines in pages. */
export interface Folded {
  readonly catalog: Catalog
  /** To be written before the catalog is. */
  readonly newPages: readonly NewPage[]
  /** The same with all of its lines, if it came with all. */
  readonly whole: WholeCatalog | undefined
}

/**
 * Folds a computed version into the document and the pages that it refers to. A page whose lines are what they were
 * stays; what has changed is written anew, under names that nobody else uses.
 */
export function fold(next: Catalog, foldings: Foldings, newPage: () => PageId): Folded {
  const newPages: NewPage[] = []
  const write = (content: PageContent): Pick<PageReference, 'page' | 'sha256'> => {
    const page = newPage()
    const bytes = encodePage(page, content)
    newPages.push({ page, bytes })
    return { page, sha256: sha256Hex(bytes) }
  }
  const writeReferences: WritePage<PageReference> = (content) =>
    write({ holds: 'pages', content: [...content] })
  const ofCheckpoints = new Folder<CatalogEntry>(
    foldings.checkpoints,
    foldings.references,
    (content) => write({ holds: 'checkpoints', content: [...content] }),
    writeReferences,
  )
  const ofMetrics = new Folder<RecordedMetrics>(
    foldings.metrics,
    foldings.references,
    (content) => write({ holds: 'metrics', content: [...content] }),
    writeReferences,
  )
  const before = pagesOf(next)
  const how = isWhole(next) ? 'refold' : 'append'
  const checkpoints = ofCheckpoints[how](before.checkpoints, next.checkpoints)
  const metrics = ofMetrics[how](before.metrics, next.metrics)
  const gone = [...idsGone(before.checkpoints, checkpoints.pages), ...idsGone(before.metrics, metrics.pages)]
  const pages = {
    checkpoints: checkpoints.pages,
    metrics: metrics.pages,
    // Below the floor no version is read any more.
    retired: [...before.retired, ...gone.map((page) => ({ page, since: next.version }))]
      .filter(({ since }) => since > next.floor)
      .slice(-mostRetired),
  }
  const lines = { checkpoints: [...checkpoints.lines], metrics: [...metrics.lines] }
  return {
    catalog: { ...withoutPages(next), ...lines, ...olderOf(pages) },
    newPages,
    whole: isWhole(next) ? withPages(next, pages) : undefined,
  }
}

/** Pages that were needed, and are no more. */
function idsGone<L extends Line>(before: readonly Page<L>[], after: readonly Page<L>[]): readonly PageId[] {
  const stayed = new Set(after)
  const moved = before.filter((page) => !stayed.has(page))
  if (moved.length === 0) return []
  const needed = new Set(idsOf(after))
  return idsOf(moved).filter((page) => !needed.has(page))
}

function olderOf({ checkpoints, metrics, retired }: Pages): { readonly older?: Older } {
  if (checkpoints.length + metrics.length + retired.length === 0) return {}
  return {
    older: { checkpoints: referencesTo(checkpoints), metrics: referencesTo(metrics), retired: [...retired] },
  }
}

function referencesTo<L extends Line>(pages: readonly Page<L>[]): PageReference[] {
  return pages.map(({ reference }) => reference)
}
