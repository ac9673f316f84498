import {
  attemptPrefix,
  decodeCatalog,
  encodeCatalog,
  type Catalog,
  isAttemptId,
  pageKey,
} from '../../src/catalog/documents/index.ts'
import type { Meddling } from './backend.ts'
import type { Disk } from './disk.ts'
import { type Oracle, wholeOn } from './oracle.ts'

/** Broken variants of Holdfast, simulated between the store and the disk. */
export type Variant = (disk: Disk, oracle: Oracle, process: string) => Meddling

/** The simulator must detect each of them. */
export const brokenVariants: Readonly<Record<string, Variant>> = {
  'no look-back after the commit': () => ({ hidesNewerThanOwnCommit: true }),
  'no floor check': (disk, _, process) => (isOdd(process) ? blindToTheFloor(disk) : {}),
  'acknowledgement before the commit': (disk, oracle) => ({
    afterManifest: (attempt) => {
      oracle.hear(operationIn(disk, attempt), 'acknowledged')
    },
  }),
  'delete before the commit': () => ({
    beforeCommit: (bytes, disk) => {
      for (const { attempt } of decodedIfCatalog(bytes)?.history.at(-1)?.dropped ?? []) {
        for (const key of disk.keys(attemptPrefix(attempt))) disk.delete(key)
      }
      return bytes
    },
  }),
  'sweep by age alone': (disk) => ({
    beforeCommit: (bytes) => {
      const catalog = decodedIfCatalog(bytes)
      if (catalog !== undefined) sweepUnlisted(disk, wholeOn(disk, catalog))
      return bytes
    },
  }),
  'a removal that deletes the files at once': (disk) => ({
    beforeCommit: (bytes) => {
      for (const { entry } of decodedIfCatalog(bytes)?.removed ?? [])
        for (const key of disk.keys(attemptPrefix(entry.attempt))) disk.delete(key)
      return bytes
    },
  }),
  'a rebuild or a save that lists what was removed': () => ({
    beforeCommit: (bytes) => {
      const catalog = decodedIfCatalog(bytes)
      return catalog === undefined ? bytes : encodeCatalog(withRemovedListed(catalog))
    },
  }),
  'pages written after the commit that needs them': () => ({ delaysPages: true }),
  'pages swept once the newest version does without them': (disk) => ({
    beforeCommit: (bytes) => {
      for (const { page } of decodedIfCatalog(bytes)?.older?.retired ?? []) disk.delete(pageKey(page))
      return bytes
    },
  }),
  "a false answer taken for the store's own": () => ({ believesLies: true }),
  'saves in the order of their steps': () => ({
    beforeCommit: (bytes) => {
      const catalog = decodedIfCatalog(bytes)
      return catalog === undefined ? bytes : encodeCatalog({ ...catalog, ...inOrderOfSteps(catalog) })
    },
  }),
  'a lost answer taken for a lost race': () => ({ lostAnswerOfCommit: 'failed' }),
  'objects that get their names at once': () => ({ breaksWriteAhead: 'names at once' }),
  'objects that are reported before they have their names': () => ({
    breaksWriteAhead: 'reports before the name',
  }),
  'objects that count before they are durable': () => ({ breaksWriteAhead: 'resolves before the sync' }),
}

/** Lists a checkpoint that an earlier version removed, unless its step was saved again or its line belongs in a page. */
function withRemovedListed(catalog: Catalog): Catalog {
  const { removed = [], checkpoints, older, latest, version } = catalog
  const lastPaged = older?.checkpoints.at(-1)?.to ?? -1
  const steps = new Set(checkpoints.map(({ step }) => step))
  const back = removed.find(
    (each) => each.version < version && each.entry.step > lastPaged && !steps.has(each.entry.step),
  )
  if (back === undefined || latest !== undefined) return catalog
  return {
    ...catalog,
    checkpoints: [...checkpoints, back.entry].sort((one, other) => one.step - other.step),
    removed: removed.filter((each) => each !== back),
  }
}

function inOrderOfSteps({ checkpoints, latest }: Catalog): Partial<Catalog> {
  const byStep = checkpoints.map((entry) => ({ ...entry, order: { segment: 0, base: entry.step } }))
  // It is not the latest any more, and every reader would find the version damaged.
  return latest === undefined || byStep.length === 0 ? { checkpoints: byStep } : {}
}

/**
 * Some processes see no floor, and so commit what others have declared dead, or take swept versions for lost ones. They write the true
 * floor back.
 */
function blindToTheFloor(disk: Disk): Meddling {
  return {
    onReadCatalog: (bytes) => {
      const catalog = decodedIfCatalog(bytes)
      return catalog === undefined ? bytes : encodeCatalog({ ...catalog, floor: 0 })
    },
    beforeCommit: (bytes) => {
      const catalog = decodedIfCatalog(bytes)
      const newest = decodedIfCatalog(disk.get(disk.keys('catalog/').at(-1) ?? '') ?? new Uint8Array())
      if (catalog === undefined || newest === undefined) return bytes
      return encodeCatalog({ ...catalog, floor: Math.max(catalog.floor, newest.floor) })
    },
  }
}

function isOdd(process: string): boolean {
  return Number(process.slice(1)) % 2 === 1
}

function sweepUnlisted(disk: Disk, catalog: Catalog): void {
  const listed = new Set<string>(
    [
      ...catalog.checkpoints,
      ...catalog.quarantined.map(({ entry }) => entry),
      ...(catalog.abandoned ?? []),
      ...(catalog.removed ?? []).map(({ entry }) => entry),
    ].map(({ attempt }) => attempt),
  )
  for (const key of disk.keys('data/')) {
    const attempt = key.split('/')[1] ?? ''
    if (isAttemptId(attempt) && !listed.has(attempt)) disk.delete(key)
  }
}

function operationIn(disk: Disk, attempt: string): string {
  const bytes = disk.get(`data/${attempt}/manifest.json`)
  const document = JSON.parse(Buffer.from(bytes ?? new Uint8Array()).toString()) as {
    manifest: { tags: string[] }
  }
  return document.manifest.tags[0] ?? ''
}

/** Also `undefined` if the bytes were flipped. */
function decodedIfCatalog(bytes: Uint8Array): Catalog | undefined {
  try {
    const { catalog } = JSON.parse(Buffer.from(bytes).toString()) as {
      readonly catalog?: { readonly version: number }
    }
    return catalog === undefined ? undefined : decodeCatalog(bytes, catalog.version)
  } catch {
    return undefined
  }
}
