import {
  type AttemptId,
  type Catalog,
  type CatalogEntry,
  emptyCatalog,
  type Older,
  type PageReference,
  type RecordedMetrics,
} from '../documents/index.ts'
import { unread } from './page.ts'
import { PagedList } from './paged-list.ts'

type Unlisted = Pick<
  Catalog,
  | 'format'
  | 'version'
  | 'commitId'
  | 'committedAt'
  | 'owner'
  | 'floor'
  | 'quarantined'
  | 'keeping'
  | 'history'
>

/** A version of the catalog in memory; what stands in its pages may not have been read. */
export interface PagedCatalog extends Readonly<Unlisted> {
  readonly checkpoints: PagedList<CatalogEntry>
  readonly metrics: PagedList<RecordedMetrics>
  /** See the format. */
  readonly retired: Readonly<Older>['retired']
  readonly isWhole: boolean
}

/** One of which every line is at hand. */
export interface WholeCatalog extends PagedCatalog {
  readonly isWhole: true
}

/** Before the first commit. */
export const noCatalog: WholeCatalog = { ...paged(emptyCatalog), isWhole: true }

/** What a document says, before any of its pages is read. */
export function paged({ checkpoints, metrics, older, ...document }: Catalog): PagedCatalog {
  return {
    ...document,
    checkpoints: new PagedList((older?.checkpoints ?? []).map(unread), checkpoints),
    metrics: new PagedList((older?.metrics ?? []).map(unread), metrics),
    retired: older?.retired ?? [],
    isWhole: older === undefined,
  }
}

/** The document that says it. Throws where lines that stand in pages have changed: they are to be folded before. */
export function documentOf({
  checkpoints,
  metrics,
  retired,
  isWhole: _,
  ...document
}: PagedCatalog): Catalog {
  if (checkpoints.rewritten !== undefined || metrics.rewritten !== undefined)
    throw new Error(`Version ${document.version} of the catalog is to be folded before it is written`)
  const isPaged = checkpoints.pages.length + metrics.pages.length + retired.length > 0
  const older = {
    checkpoints: referencesIn(checkpoints),
    metrics: referencesIn(metrics),
    retired: [...retired],
  }
  return {
    ...document,
    checkpoints: [...checkpoints.recent],
    metrics: [...metrics.recent],
    ...(isPaged ? { older } : {}),
  }
}

/** The same lines, and nothing of how they stood in pages. */
export function withoutPages(catalog: WholeCatalog): WholeCatalog {
  return {
    ...catalog,
    checkpoints: new PagedList([], catalog.checkpoints.all),
    metrics: new PagedList([], catalog.metrics.all),
    retired: [],
  }
}

export function isWhole(catalog: PagedCatalog): catalog is WholeCatalog {
  return catalog.isWhole
}

/** The attempts that a catalog lists, as good or as quarantined. */
export function attemptsOf({ checkpoints, quarantined }: WholeCatalog): ReadonlySet<AttemptId> {
  return new Set([...checkpoints.all, ...quarantined.map(({ entry }) => entry)].map(({ attempt }) => attempt))
}

/** The highest step that stands in a page; -1 when there is none. */
export function lastPagedStep({ checkpoints, metrics }: PagedCatalog): number {
  return Math.max(checkpoints.lastPaged, metrics.lastPaged)
}

function referencesIn({ pages }: PagedList<CatalogEntry> | PagedList<RecordedMetrics>): PageReference[] {
  return pages.map(({ reference }) => reference)
}
