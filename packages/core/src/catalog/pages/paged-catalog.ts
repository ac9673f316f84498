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
import { latestOf } from '../../order-key.ts'
import { allRead, type LineList, PagedList } from './paged-list.ts'

type Unlisted = Pick<
  Catalog,
  | 'format'
  | 'requires'
  | 'version'
  | 'commitId'
  | 'committedAt'
  | 'owner'
  | 'floor'
  | 'term'
  | 'continued'
  | 'segments'
  | 'rewound'
  | 'abandoned'
  | 'quarantined'
  | 'keeping'
  | 'history'
>

/** A version of the catalog in memory; what stands in its pages may not have been read. */
export interface PagedCatalog extends Readonly<Unlisted> {
  readonly checkpoints: LineList<CatalogEntry>
  readonly metrics: LineList<RecordedMetrics>
  /** The line of the checkpoint whose save began last, whether it is in a page or not. */
  readonly latest: CatalogEntry | undefined
  /** See the format. */
  readonly retired: Readonly<Older>['retired']
  /** Members of `older` that a newer version of Holdfast wrote. */
  readonly unknownOlder: Readonly<Record<string, unknown>>
  readonly isWhole: boolean
}

/** One of which every line is at hand. */
export interface WholeCatalog extends PagedCatalog {
  readonly checkpoints: PagedList<CatalogEntry>
  readonly metrics: PagedList<RecordedMetrics>
  readonly isWhole: true
}

/** Before the first commit. */
export const noCatalog: WholeCatalog = wholeCatalog(paged(emptyCatalog))

/** The catalog of a document, before any of its pages is read. */
export function paged({ checkpoints, metrics, older, latest, ...document }: Catalog): PagedCatalog {
  const inPages = older ?? { checkpoints: [], metrics: [], retired: [] }
  const { checkpoints: checkpointPages, metrics: metricPages, retired, ...unknownOlder } = inPages
  return {
    ...document,
    checkpoints: new PagedList(checkpointPages.map(unread), checkpoints),
    metrics: new PagedList(metricPages.map(unread), metrics),
    latest: latest ?? latestOf(checkpoints),
    retired,
    unknownOlder,
    isWhole: older === undefined,
  }
}

/** The document that says it. Throws where lines that stand in pages have changed: they are to be folded before. */
export function documentOf({
  checkpoints,
  metrics,
  latest,
  retired,
  unknownOlder,
  isWhole: _,
  ...document
}: PagedCatalog): Catalog {
  if (checkpoints.rewritten !== undefined || metrics.rewritten !== undefined)
    throw new Error(`Version ${document.version} of the catalog is to be folded before it is written`)
  const isPaged = checkpoints.pages.length + metrics.pages.length + retired.length > 0
  const hasOlder = isPaged || Object.keys(unknownOlder).length > 0
  const older = {
    ...unknownOlder,
    checkpoints: referencesIn(checkpoints),
    metrics: referencesIn(metrics),
    retired: [...retired],
  }
  return {
    ...document,
    checkpoints: [...checkpoints.recent],
    metrics: [...metrics.recent],
    ...(hasOlder ? { older } : {}),
    ...(latest !== undefined && latest.step <= checkpoints.lastPaged ? { latest } : {}),
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

/** A catalog of which every line is at hand. Throws if a page was not read: the caller needs `CatalogLog.wholeOf` first. */
export function wholeCatalog(catalog: PagedCatalog): WholeCatalog {
  if (isWhole(catalog)) return catalog
  throw new Error(`Pages of version ${catalog.version} of the catalog are needed, and were not read`)
}

/**
 * Returns the line of the latest checkpoint after a change to the lines. `before` is the latest one before the change. The
 * catalog is whole if the change took that one out.
 */
export function latestAfter(
  checkpoints: LineList<CatalogEntry>,
  before: CatalogEntry | undefined,
): CatalogEntry | undefined {
  if (checkpoints.rewritten !== undefined) return latestOf(checkpoints.rewritten)
  if (before === undefined) return latestOf(checkpoints.recent)
  const isPaged = before.step <= checkpoints.lastPaged
  if (!isPaged && checkpoints.get(before.step)?.attempt !== before.attempt)
    return latestOf(allRead(checkpoints).all)
  // The pages are what they were.
  return latestOf(isPaged ? [before, ...checkpoints.recent] : checkpoints.recent)
}

/** The attempts that a catalog lists, as good or as quarantined. */
export function attemptsOf({ checkpoints, quarantined }: WholeCatalog): ReadonlySet<AttemptId> {
  return new Set([...checkpoints.all, ...quarantined.map(({ entry }) => entry)].map(({ attempt }) => attempt))
}

/** The highest step that stands in a page; -1 when there is none. */
export function lastPagedStep({ checkpoints, metrics }: PagedCatalog): number {
  return Math.max(checkpoints.lastPaged, metrics.lastPaged)
}

function referencesIn({ pages }: LineList<CatalogEntry> | LineList<RecordedMetrics>): PageReference[] {
  return pages.map(({ reference }) => reference)
}
