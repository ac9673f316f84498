import { nameOfSegment, numberOfSegment } from '../../catalog/commit/segments.ts'
import type { CatalogEntry } from '../../catalog/documents/index.ts'
import type { PagedCatalog, WholeCatalog } from '../../catalog/pages/index.ts'
import { compareSaves } from '../../order-key.ts'
import { isSameOrigin, originOf } from '../copy/identity.ts'

/** A store as far as decisions about a mirror depend on it. */
export interface Side {
  /** The id of the store; `undefined` if it does not exist yet. */
  readonly id: string | undefined
  readonly catalog: WholeCatalog
}

/** How a mirror relates to its store. */
export type Continuation =
  /** The mirror has no checkpoint. */
  | 'mirror is empty'
  /** The store has no checkpoint, and the mirror has some. */
  | 'store is empty'
  /** The mirror has a checkpoint that was copied from a catalog that the store does not have: it is a clone, or older. */
  | 'store was rolled back'
  /** The latest checkpoint of the mirror comes from another store, which continued the run. */
  | 'another store continued'
  /** The latest checkpoint of the mirror is in quarantine at the store. */
  | 'latest is corrupt'
  /** The store has all that the mirror has, or continued from it. */
  | 'store continued'

/** Decides whether the run continued in the store, or where only the mirror knows it. */
export function continuationOf(local: Side, mirror: Side): Continuation {
  const theirs = mirror.catalog.latest
  if (theirs === undefined || mirror.id === undefined) return 'mirror is empty'
  const ours = local.catalog.latest
  if (local.id === undefined) return 'store is empty'
  const { id } = local
  if (mirror.catalog.checkpoints.all.some((entry) => !isInHistory(local.catalog, entry, id)))
    return 'store was rolled back'
  const origin = originOf(theirs, mirror.id)
  const isCorrupt = local.catalog.quarantined.some(
    ({ entry, abandoned }) => abandoned !== true && isSameOrigin(originOf(entry, id), origin),
  )
  if (isCorrupt) return 'latest is corrupt'
  if (ours === undefined) return 'store is empty'
  const here = keyHere(local, mirror, theirs)
  if (origin.store === id) return 'store continued'
  return here === undefined || compareSaves(here, ours) > 0 ? 'another store continued' : 'store continued'
}

/** Returns whether the latest checkpoint of the store was saved after all checkpoints of the mirror. */
export function isLaterThanMirror(local: Side, mirror: Side): boolean {
  const [ours, theirs] = [local.catalog.latest, mirror.catalog.latest]
  if (ours === undefined || theirs === undefined) return theirs === undefined
  const here = keyHere(local, mirror, theirs)
  return here !== undefined && compareSaves(here, ours) < 0
}

/**
 * Returns whether the latest checkpoint of the store is the latest of its mirror once it is there. A segment that the mirror does not
 * know gets a number above all others.
 */
export function comesLastIn(mirror: Side, local: Side & { readonly id: string }): boolean {
  const [ours, theirs] = [local.catalog.latest, mirror.catalog.latest]
  if (ours === undefined || theirs === undefined || mirror.id === undefined) return theirs === undefined
  const named = nameOfSegment(local.catalog, local.id, ours.order.segment)
  const segment = numberOfSegment(mirror.catalog, mirror.id, named)
  return segment === undefined || compareSaves({ ...ours, order: { ...ours.order, segment } }, theirs) > 0
}

/** The place of a checkpoint of the mirror in the order of the store; `undefined` if the store does not know its segment. */
function keyHere(
  { id, catalog }: Side,
  mirror: Side,
  { step, order }: CatalogEntry,
): Pick<CatalogEntry, 'step' | 'order'> | undefined {
  if (id === undefined || mirror.id === undefined) return undefined
  const named = nameOfSegment(mirror.catalog, mirror.id, order.segment)
  const segment = named.store === id ? named.segment : numberOfSegment(catalog, id, named)
  return segment === undefined ? undefined : { step, order: { segment, base: order.base } }
}

/**
 * Returns whether the history of the store contains the version from which a checkpoint was copied. A version that is older
 * than the history counts as contained.
 */
function isInHistory({ version, history }: PagedCatalog, { origin }: CatalogEntry, id: string): boolean {
  if (origin?.store !== id || origin.catalog === undefined) return true
  const named = origin.catalog
  if (named.version > version) return false
  const record = history.find((each) => each.version === named.version)
  return record === undefined || record.commitId === named.commitId
}
