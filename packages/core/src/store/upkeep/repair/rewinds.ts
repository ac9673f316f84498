import type { CheckpointBackend } from '../../../backend/index.ts'
import { inOrderOfSaves } from '../../../catalog/commit/changes/index.ts'
import { compareOrders, compareSaves } from '../../../order-key.ts'
import {
  type CatalogEntry,
  decodeRewind,
  partsOfAttempt,
  type Quarantined,
  type Removed,
  type Rewind,
  rewindOfKey,
  rewindsPrefix,
  versionOfRewind,
} from '../../../catalog/documents/index.ts'
import { readIfThere } from '../../../catalog/documents/read-document.ts'
import type { PagedCatalog, WholeCatalog } from '../../../catalog/pages/index.ts'
import { withSecondLook } from '../../../async/second-look.ts'
import { isHoldfastError } from '../../../errors.ts'

/**
 * The readable rewinds of a store, the earliest first. A damaged one is skipped. Rejects with `UNSUPPORTED` for a newer one.
 */
export async function foundRewinds(
  backend: CheckpointBackend,
  signal: AbortSignal | undefined,
): Promise<readonly Rewind[]> {
  const found: Rewind[] = []
  for await (const { key } of backend.list(rewindsPrefix, { signal })) {
    const id = rewindOfKey(key)
    if (id === undefined) continue
    try {
      const rewind = await withSecondLook(async (look) => {
        const bytes = await readIfThere(backend, key, signal, look)
        return bytes === undefined ? undefined : decodeRewind(bytes, id)
      })
      if (rewind !== undefined) found.push(rewind)
    } catch (error) {
      if (!isHoldfastError(error, 'CORRUPT')) throw error
    }
  }
  return found.sort((one, other) => compareOrders(one.to, other.to))
}

/**
 * The rewinds that were committed, as far as the store shows it. The document of a rewind is written before the version that
 * commits it, which is the one after the version in its name. So a rewind was not committed if anything that began at or after
 * that version knew a segment below the one that the rewind opened.
 */
export function committedRewinds(
  rewinds: readonly Rewind[],
  catalog: PagedCatalog,
  recovered: readonly CatalogEntry[],
): readonly Rewind[] {
  const seen = [
    { version: catalog.version, segment: catalog.rewound?.segment ?? 0 },
    ...recovered.flatMap(({ order, origin }) =>
      origin === undefined ? [{ version: order.base, segment: order.segment }] : [],
    ),
    ...rewinds.map(({ rewind, to }) => ({ version: versionOfRewind(rewind), segment: to.segment - 1 })),
  ]
  return rewinds.filter(
    ({ rewind, to }) =>
      !seen.some(({ version, segment }) => version > versionOfRewind(rewind) && segment < to.segment),
  )
}

/** Entries after some rewinds: the listed ones, and the ones that the rewinds abandoned. */
export interface AfterRewinds {
  readonly listed: readonly CatalogEntry[]
  readonly abandoned: readonly CatalogEntry[]
}

/** Applies rewinds to entries, in the order of the rewinds. */
export function afterRewinds(entries: readonly CatalogEntry[], rewinds: readonly Rewind[]): AfterRewinds {
  let listed = entries
  const abandoned: CatalogEntry[] = []
  for (const { attempt, from, to } of rewinds) {
    const isTarget = (entry: CatalogEntry): boolean => entry.attempt === attempt
    const isLeft = (entry: CatalogEntry): boolean =>
      !isTarget(entry) &&
      compareSaves(entry, { step: partsOfAttempt(attempt).step, order: from }) > 0 &&
      compareOrders(entry.order, to) < 0
    abandoned.push(...listed.filter(isLeft))
    listed = listed
      .filter((entry) => !isLeft(entry))
      .map((entry) => (isTarget(entry) ? { ...entry, order: { ...entry.order, ...to } } : entry))
  }
  return { listed, abandoned: abandoned.sort(compareSaves) }
}

/** Applies rewinds to checkpoints that are not listed: it marks what the rewinds abandoned. */
function setAsideAfter<Aside extends Quarantined | Removed>(
  asides: readonly Aside[],
  rewinds: readonly Rewind[],
): readonly Aside[] {
  const { listed, abandoned } = afterRewinds(
    asides.map(({ entry }) => entry),
    rewinds,
  )
  const entries = new Map(listed.map((entry) => [entry.attempt, entry]))
  const left = new Set(abandoned.map(({ attempt }) => attempt))
  return asides.map((aside) => ({
    ...aside,
    entry: entries.get(aside.entry.attempt) ?? aside.entry,
    ...(left.has(aside.entry.attempt) ? { abandoned: true } : {}),
  }))
}

/** The lists of a catalog after the rewinds that it does not know. */
export interface RebuiltLists {
  readonly listed: readonly CatalogEntry[]
  readonly recovered: readonly CatalogEntry[]
  readonly abandoned: readonly CatalogEntry[]
  readonly quarantined: readonly Quarantined[]
  readonly removed: readonly Removed[]
  /** The order key of the newest rewind, if the catalog does not know it. */
  readonly rewound: Rewind['to'] | undefined
}

/**
 * Applies rewinds to the lists of a catalog and to attempts that it does not list. The catalog has applied the older ones to
 * its own lists already.
 */
export function withRewinds(
  catalog: WholeCatalog,
  unlisted: readonly CatalogEntry[],
  rewinds: readonly Rewind[],
): RebuiltLists {
  const { rewound, abandoned = [], checkpoints, quarantined, removed = [] } = catalog
  const newer = rewinds.filter(({ to }) => rewound === undefined || compareOrders(to, rewound) > 0)
  const known = afterRewinds(checkpoints.all, newer)
  const found = afterRewinds(unlisted, rewinds)
  return {
    listed: known.listed,
    recovered: found.listed,
    abandoned: inOrderOfSaves([...abandoned, ...known.abandoned, ...found.abandoned]),
    quarantined: setAsideAfter(quarantined, newer),
    removed: setAsideAfter(removed, newer),
    rewound: newer.at(-1)?.to,
  }
}
