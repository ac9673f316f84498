import type {
  Catalog,
  CatalogEntry,
  Line,
  PageId,
  PageReference,
  RecordedMetrics,
} from '../documents/index.ts'

/** A page: the reference to it, and once it is read its lines, or the pages that it refers to. */
export interface Page<L extends Line> {
  readonly reference: PageReference
  /** Of a page of depth 0. */
  readonly lines: readonly L[]
  /** Of a deeper one. */
  readonly pages: readonly Page<L>[]
}

/** The pages of one version of the catalog, as they were read or written. */
export interface Pages {
  readonly checkpoints: readonly Page<CatalogEntry>[]
  readonly metrics: readonly Page<RecordedMetrics>[]
  /** See the format. */
  readonly retired: readonly { readonly page: PageId; readonly since: number }[]
}

export const noPages: Pages = { checkpoints: [], metrics: [], retired: [] }

/** Under this key a catalog has its pages in memory. No document has such a member, and none shows it. */
const unfolded = Symbol('pages')

/** A catalog with every line of its pages among its own. */
export type WholeCatalog = Catalog & { readonly older?: undefined; readonly [unfolded]?: Pages }

/** Puts the lines of its pages back into a catalog. */
export function unfold({ older: _, ...catalog }: Catalog, pages: Pages): WholeCatalog {
  const checkpoints = [...pages.checkpoints.flatMap(linesOf), ...catalog.checkpoints]
  const metrics = [...pages.metrics.flatMap(linesOf), ...catalog.metrics]
  return withPages({ ...catalog, checkpoints, metrics }, pages)
}

/** Notes in which pages the lines of a whole catalog stand. */
export function withPages(catalog: WholeCatalog, pages: Pages): WholeCatalog {
  return { ...catalog, [unfolded]: pages }
}

/** What the document of a catalog shows, apart from where its older lines stand. */
export function withoutPages({
  older: _,
  [unfolded]: __,
  ...catalog
}: Catalog & { readonly [unfolded]?: Pages }): WholeCatalog {
  return catalog
}

/** The pages in which lines of a catalog stand; what is computed from it still has those. */
export function pagesOf(catalog: Catalog): Pages {
  if (isWhole(catalog)) return catalog[unfolded] ?? noPages
  const { checkpoints = [], metrics = [], retired = [] } = catalog.older ?? {}
  return { checkpoints: checkpoints.map(unread), metrics: metrics.map(unread), retired }
}

/** A page of which no more is known than the reference to it. */
function unread(reference: PageReference): Page<never> {
  return { reference, lines: [], pages: [] }
}

/** Whether a catalog has all of its lines. */
export function isWhole(catalog: Catalog): catalog is WholeCatalog {
  return catalog.older === undefined
}

/** The highest step that stands in a page; -1 when there is none. */
export function lastFoldedStep({ older }: Catalog): number {
  return Math.max(older?.checkpoints.at(-1)?.to ?? -1, older?.metrics.at(-1)?.to ?? -1)
}

function linesOf<L extends Line>({ lines, pages }: Page<L>): readonly L[] {
  return pages.length === 0 ? lines : pages.flatMap(linesOf)
}
