import type { Catalog, CatalogEntry, PageReference, RecordedMetrics } from './catalog-schema.ts'
import { partsOfAttempt } from './layout.ts'
import { inOrder } from './lines.ts'
import { latestOf } from '../../order-key.ts'
import { featureFault, type Uses } from './requires.ts'

/** The most retired pages that a version may name. */
export const mostRetired = 128

/**
 * Returns how a version of the catalog breaks rules of the format that its schema does not express, as the end of a
 * sentence. Returns `undefined` for a valid version.
 */
export function catalogFault(catalog: Catalog, version: number): string | undefined {
  const { requires, older, latest, checkpoints, metrics } = catalog
  const entries = [...checkpoints, ...unlistedIn(catalog)]
  if (catalog.version !== version) return `is another version, ${catalog.version}`
  if (catalog.floor > version) return 'has a floor above its own version'
  if (!deeperFirst(older?.checkpoints) || !deeperFirst(older?.metrics))
    return 'lists a page before a deeper one'
  if (!inOrder(older?.checkpoints, checkpoints)) return 'lists a step twice or out of order'
  if (!inOrder(older?.metrics, metrics)) return 'lists the metrics of a step twice or out of order'
  if (latest !== undefined && latest.step > (older?.checkpoints.at(-1)?.to ?? -1))
    return 'names a latest checkpoint that is not in a page'
  if (latest !== undefined && latestOf([latest, ...checkpoints]) !== latest)
    return 'names a latest checkpoint that is not the latest'
  return (
    entryFault(entries) ??
    historyFault(catalog) ??
    pagesFault(catalog) ??
    segmentsFault(catalog) ??
    featureFault(requires, usesOfCatalog(catalog))
  )
}

/**
 * Names the first entry whose attempt belongs to another step, as the end of a sentence; `undefined` if there is none.
 */
export function entryFault(entries: readonly CatalogEntry[]): string | undefined {
  for (const { step, attempt } of entries) {
    if (partsOfAttempt(attempt).step !== step)
      return `lists step ${step} with an attempt of another step, ${attempt}`
  }
  return undefined
}

/** Returns the features that a version requires for its own members and for the lines in it. */
export function usesOfCatalog(catalog: Catalog): Uses {
  const { checkpoints, metrics } = catalog
  return [...usesOf(catalog), ...usesOfLines([...checkpoints, ...unlistedIn(catalog), ...metrics])]
}

/** The entries of a version outside of its own list of checkpoints. */
function unlistedIn({ abandoned = [], quarantined, removed = [], latest }: Catalog): readonly CatalogEntry[] {
  const setAside = [...quarantined, ...removed].map(({ entry }) => entry)
  return [...abandoned, ...setAside, ...(latest ? [latest] : [])]
}

function usesOf({ segments, rewound, abandoned, removed }: Catalog): Uses {
  return [
    [segments !== undefined, 'segments of copies', 'copies'],
    [rewound !== undefined || abandoned !== undefined, 'a rewind', 'rewinds'],
    [removed !== undefined, 'removed checkpoints', 'undo'],
  ]
}

/** Returns the features that some lines require in the document that contains them. */
export function usesOfLines(lines: readonly (CatalogEntry | RecordedMetrics)[]): Uses {
  return [
    [lines.some((line) => 'origin' in line && line.origin !== undefined), 'the origin of a copy', 'copies'],
    [lines.some(({ order }) => order.segment > 0), 'a segment above 0', 'copies', 'rewinds'],
  ]
}

function historyFault({ version, commitId, history }: Catalog): string | undefined {
  const last = history.at(-1)
  if (last?.version !== version || last.commitId !== commitId)
    return 'has a history that does not end with its own commit'
  const isAscending = history.every((record, index) => record.version > (history[index - 1]?.version ?? 0))
  return isAscending ? undefined : 'has a history that is out of order'
}

function pagesFault({ version, older }: Catalog): string | undefined {
  if (older === undefined) return undefined
  if (older.retired.length > mostRetired)
    return `names ${older.retired.length} retired pages, more than ${mostRetired}`
  const needed = [...older.checkpoints, ...older.metrics].map(({ page }) => page)
  if (new Set(needed).size < needed.length) return 'refers to a page twice'
  const used = new Set(needed)
  for (const { page, since } of older.retired) {
    if (used.has(page)) return `refers to the page ${page}, and names it as retired`
    if (since > version) return `names the page ${page} as retired since a later version`
  }
  return undefined
}

function segmentsFault({ segments }: Catalog): string | undefined {
  if (segments === undefined) return undefined
  const { own, foreign } = segments
  if (foreign.some(({ here }) => here >= own))
    return 'has a segment of a copy that is not below the segment of saves'
  const names = new Set(foreign.map(({ store, segment }) => `${store}/${segment}`))
  const numbers = new Set(foreign.map(({ here }) => here))
  if (names.size < foreign.length || numbers.size < foreign.length) return 'has a segment twice'
  return undefined
}

/** Deeper pages contain older lines. Appending to a list relies on this order. */
function deeperFirst(pages: readonly PageReference[] = []): boolean {
  return pages.every(({ depth }, index) => depth <= (pages[index - 1]?.depth ?? Infinity))
}
