import type { CatalogEntry, RecordedMetrics, Segments } from '../documents/index.ts'
import type { PagedCatalog, WholeCatalog } from '../pages/index.ts'

/** A segment of the order of saves. It has the id of the store whose saves opened it, and its number there. */
export interface NamedSegment {
  /** The id of the store. */
  readonly store: string
  readonly segment: number
}

/**
 * Returns the segment for saves into a store that begin now. It is above the segments of all copies, so a save that
 * begins after a copy arrived is later than the copy.
 */
export function ownSegment({ segments, rewound }: Pick<PagedCatalog, 'segments' | 'rewound'>): number {
  return Math.max(segments?.own ?? 0, rewound?.segment ?? 0)
}

/** Names a segment number of a store with the id `store`. */
export function nameOfSegment(
  { segments }: Pick<PagedCatalog, 'segments'>,
  store: string,
  number: number,
): NamedSegment {
  const foreign = segments?.foreign.find(({ here }) => here === number)
  return foreign === undefined
    ? { store, segment: number }
    : { store: foreign.store, segment: foreign.segment }
}

/** Names every segment that has checkpoints or metrics in a store with the id `store`, the earliest first. */
export function segmentsOf(catalog: WholeCatalog, store: string): readonly NamedSegment[] {
  const lines: readonly (CatalogEntry | RecordedMetrics)[] = [
    ...catalog.checkpoints.all,
    ...catalog.metrics.all,
  ]
  const numbers = new Set([
    ...lines.map(({ order }) => order.segment),
    ...(catalog.segments?.foreign ?? []).map(({ here }) => here),
  ])
  return [...numbers].sort((one, other) => one - other).map((number) => nameOfSegment(catalog, store, number))
}

/** Returns the number that a segment has in a store with the id `store`; `undefined` if it has none yet. */
export function numberOfSegment(
  catalog: Pick<PagedCatalog, 'segments' | 'rewound'>,
  store: string,
  named: NamedSegment,
): number | undefined {
  const foreign = catalog.segments?.foreign ?? []
  const known = foreign.find((each) => each.store === named.store && each.segment === named.segment)
  if (known !== undefined) return known.here
  const isOwn =
    named.store === store &&
    named.segment <= ownSegment(catalog) &&
    foreign.every(({ here }) => here !== named.segment)
  return isOwn ? named.segment : undefined
}

/**
 * Gives each new segment a number above all existing ones, in the given order. Known segments keep their numbers. So
 * copies from one store may arrive in any order, and an old copy that arrives late does not become the latest.
 */
export function withSegments(
  catalog: Pick<PagedCatalog, 'segments' | 'rewound'>,
  store: string,
  named: readonly NamedSegment[],
): Segments | undefined {
  const fresh = named.filter((each) => numberOfSegment(catalog, store, each) === undefined)
  if (fresh.length === 0) return catalog.segments
  const first = ownSegment(catalog) + 1
  return {
    ...catalog.segments,
    own: first + fresh.length,
    foreign: [
      ...(catalog.segments?.foreign ?? []),
      ...fresh.map((each, index) => ({ store: each.store, segment: each.segment, here: first + index })),
    ],
  }
}

/**
 * Returns the segments of a catalog that is rebuilt from the manifests of its checkpoints. A copy states its original
 * segment, and its order key contains the number of that segment in this store.
 */
export function recoveredSegments(
  catalog: Pick<PagedCatalog, 'segments' | 'rewound'>,
  checkpoints: readonly CatalogEntry[],
): Segments | undefined {
  const foreign = [...(catalog.segments?.foreign ?? [])]
  const earliestFirst = checkpoints.toSorted((one, other) => one.order.segment - other.order.segment)
  for (const { origin, order } of earliestFirst) {
    if (origin === undefined) continue
    const { store, segment } = origin
    const isKnown = foreign.some((each) => each.store === store && each.segment === segment)
    const isTaken = foreign.some(({ here }) => here === order.segment)
    if (!isKnown && !isTaken) foreign.push({ store, segment, here: order.segment })
  }
  if (foreign.length === 0) return catalog.segments
  const highestForeign = Math.max(...foreign.map(({ here }) => here))
  const highest = Math.max(highestForeign, ...checkpoints.map(({ order }) => order.segment))
  const isForeign = highest === highestForeign
  return {
    ...catalog.segments,
    own: Math.max(ownSegment(catalog), isForeign ? highest + 1 : highest),
    foreign,
  }
}
