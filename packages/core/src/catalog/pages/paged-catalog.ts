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
  | 'segments'
  | 'rewound'
  | 'abandoned'
  | 'removed'
  | 'tries'
  | 'quarantined'
  | 'keeping'
  | 'mirror'
  | 'history'
>

/** A version of the catalog in memory. Its pages may not have been read. */
export interface PagedCatalog extends Readonly<Unlisted> {
  readonly checkpoints: LineList<CatalogEntry>
  readonly metrics: LineList<RecordedMetrics>
  /** The line of the checkpoint whose save began last, even if it is in a page. */
  readonly latest: CatalogEntry | undefined
  /** The members of the same names in the format. */
  readonly retired: Readonly<Older>['retired']
  /** Members of `older` that a newer version of Holdfast wrote. */
  readonly unknownOlder: Readonly<Record<string, unknown>>
  readonly isWhole: boolean
}

/** A catalog whose lines were all read. */
export interface WholeCatalog extends PagedCatalog {
  readonly checkpoints: PagedList<CatalogEntry>
  readonly metrics: PagedList<RecordedMetrics>
  readonly isWhole: true
}

/** The catalog before the first commit. */
export const noCatalog: WholeCatalog = wholeCatalog(paged(emptyCatalog))

/** Returns the catalog of a document. Its pages are not read. */
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

/** Returns the document of the version. Throws if lines of pages have changed and must be folded first. */
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
    throw new Error(`Version ${document.version} of the catalog must be folded before it is written`)
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

/** Returns the same lines without any information about pages. */
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

/**
 * Returns a catalog whose lines were all read. Throws if a page was not read: callers need `CatalogLog.wholeOf` first.
 */
export function wholeCatalog(catalog: PagedCatalog): WholeCatalog {
  if (isWhole(catalog)) return catalog
  throw new Error(`Pages of version ${catalog.version} of the catalog are required, but were not read`)
}

/**
 * Returns the line of the latest checkpoint after a change to the lines. `before` is the latest one before the change.
 * If the change removed that one, the catalog must have all lines.
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
  // The pages did not change.
  return latestOf(isPaged ? [before, ...checkpoints.recent] : checkpoints.recent)
}

/** Returns the attempts whose files a catalog keeps: listed, quarantined and abandoned ones, and removed ones that an undo can list. */
export function attemptsOf({
  checkpoints,
  quarantined,
  abandoned = [],
  removed = [],
}: WholeCatalog): ReadonlySet<AttemptId> {
  const setAside = [...quarantined, ...removed].map(({ entry }) => entry)
  const entries = [...checkpoints.all, ...setAside, ...abandoned]
  return new Set(entries.map(({ attempt }) => attempt))
}

/** Returns the latest of the abandoned checkpoints of a step; `undefined` if there is none. */
export function abandonedAt(
  { abandoned = [] }: Pick<PagedCatalog, 'abandoned'>,
  step: number,
): CatalogEntry | undefined {
  return latestOf(abandoned.filter((entry) => entry.step === step))
}

/** Returns the highest step in a page; -1 if there is none. */
export function lastPagedStep({ checkpoints, metrics }: PagedCatalog): number {
  return Math.max(checkpoints.lastPaged, metrics.lastPaged)
}

function referencesIn({ pages }: LineList<CatalogEntry> | LineList<RecordedMetrics>): PageReference[] {
  return pages.map(({ reference }) => reference)
}
