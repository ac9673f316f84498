import { compareOrders, compareSaves, latestOf } from '../../src/order-key.ts'
import {
  type AttemptId,
  type Catalog,
  type CatalogEntry,
  catalogVersionOf,
  decodeCatalog,
  decodeManifest,
  decodePage,
  manifestKey,
  type PageContent,
  pageKey,
  type PageReference,
  partsOfAttempt,
} from '../../src/catalog/documents/index.ts'
import { HoldfastError } from '../../src/index.ts'
import type { Disk } from './disk.ts'

/** Not by retention, but because someone wanted just this: the newest may go then, and a pinned or best one may not. */
const byHand = [
  'replaced',
  'deleted by hand',
  'deleted by hand, the quarantined one',
  'deleted by hand, the abandoned one',
]

/** The outcome of a save as its caller got it. */
export type SaveOutcome = 'acknowledged' | 'refused' | 'unknown'

/**
 * Checks the promises against the disk after every step. It knows the format of the catalog, but not how the store
 * works. The tag of a checkpoint names the operation that saved it.
 */
export class Oracle {
  readonly #disk: Disk
  readonly #acknowledged = new Set<string>()
  readonly #refused = new Set<string>()
  /** By operation: those that were acknowledged when its save began, so that it is later than they. */
  readonly #earlier = new Map<string, ReadonlySet<string>>()
  /** The version of the last rewind, and the attempts that rewinds left behind. */
  #rewound = 0
  readonly #left = new Set<AttemptId>()
  /** Operations whose checkpoint was once listed, and those that a version of the one line dropped, and why. */
  readonly #operationOf = new Map<string, string>()
  readonly #dropped = new Map<string, string>()
  /**
   * The attempts that a version declared dead. If that version is damaged, a rebuild may list them again while they are
   * being deleted.
   */
  readonly #dead = new Set<AttemptId>()
  #line: Catalog | undefined
  /** The keys of the pages of each version. */
  readonly #pagesNeeded = new Map<number, readonly string[]>()
  /** A damaged catalog was rebuilt. Changes that only it contained, such as a drop, are lost. */
  #wasRebuilt = false
  #looked = -1

  constructor(disk: Disk) {
    this.#disk = disk
  }

  /** The newest version of the catalog that was ever committed. */
  get truth(): Catalog | undefined {
    return this.#line
  }

  /** The save of an operation begins now. */
  hearBegin(operation: string): void {
    this.#earlier.set(operation, new Set(this.#acknowledged))
  }

  hear(operation: string, outcome: SaveOutcome): void {
    if (outcome === 'acknowledged') this.#acknowledged.add(operation)
    if (outcome === 'refused') this.#refused.add(operation)
  }

  /** Throws if a promise does not hold. */
  look(): void {
    if (this.#looked === this.#disk.changes) return
    this.#looked = this.#disk.changes
    this.#followTheLine()
    if (this.#line === undefined) return
    this.#newestIsThere(this.#line)
    this.#listedIsThere(this.#line)
    this.#pagesAreThere(this.#line)
  }

  /** Must also be called after an operation has ended, because that changes the promises. */
  judge(): void {
    this.look()
    const catalog = this.#line
    const listed = new Set(catalog === undefined ? [] : entriesOf(catalog).map(operationOf))
    for (const operation of this.#acknowledged) {
      if (!listed.has(operation) && !this.#dropped.has(operation)) {
        throw new Error(`P1: ${operation} was acknowledged, is not listed, and no commit dropped it`)
      }
    }
    for (const entry of catalog?.checkpoints ?? []) {
      // A repair lists every complete attempt, even of a failed save that could not be removed.
      if (this.#refused.has(operationOf(entry)) && entry.recovered !== true)
        throw new Error(`P5: ${operationOf(entry)} was refused, and is listed`)
    }
    this.#savesAreInOrder(catalog?.checkpoints ?? [])
  }

  /** P4: a save that began after another one was acknowledged is later than that one. */
  #savesAreInOrder(checkpoints: readonly CatalogEntry[]): void {
    const inOrder = checkpoints.toSorted(compareSaves)
    for (const [place, entry] of inOrder.entries()) {
      // A save that failed since it did not know the newest catalog, and was found by a repair.
      if (entry.recovered === true) continue
      const earlier = this.#earlier.get(operationOf(entry))
      const wrong = inOrder.slice(place + 1).find((other) => earlier?.has(operationOf(other)))
      if (wrong !== undefined)
        throw new Error(`P4: ${operationOf(entry)} began after ${operationOf(wrong)}, and counts as earlier`)
    }
  }

  /** Returns whether a checkpoint of this step may be corrupt, because bytes of one were flipped. */
  isDamaged(step: number): boolean {
    const listed = this.#line?.checkpoints.find((entry) => entry.step === step)
    if (this.#wasRebuilt && (listed === undefined || this.#dead.has(listed.attempt))) return true
    // If the catalog is damaged, a fallback uses an older version, which lists checkpoints that were dropped later.
    return this.#disk.damaged.some((key) => key.startsWith(`data/${step}-`) || !key.startsWith('data/'))
  }

  /** Whether bytes of the store were flipped, or a catalog was rebuilt. */
  get isAnythingDamaged(): boolean {
    return this.#wasRebuilt || this.#disk.damaged.length > 0
  }

  #followTheLine(): void {
    const versions = this.#disk.keys('catalog/').map((key) => catalogVersionOf(key) ?? 0)
    for (const version of versions.sort((one, other) => one - other)) {
      if (version <= (this.#line?.version ?? 0)) continue
      const bytes = this.#disk.get(`catalog/${String(version).padStart(16, '0')}.json`)
      if (bytes === undefined) continue
      const catalog = this.#readable(bytes, version)
      const { older } = catalog
      const pages = [...pagesUnder(this.#disk, older?.checkpoints), ...pagesUnder(this.#disk, older?.metrics)]
      this.#pagesNeeded.set(
        version,
        pages.map(([key]) => key),
      )
      this.#append(wholeOn(this.#disk, catalog))
    }
  }

  /** No schedule loses a version, so no process has a reason to begin a rebuild whose document cannot be read. */
  #readable(bytes: Uint8Array, version: number): Catalog {
    try {
      return decodeCatalog(bytes, version)
    } catch (error) {
      if (!(error instanceof HoldfastError)) throw error
      throw new Error(`Rule 3: no version is lost, but ${error.message}`, { cause: error })
    }
  }

  #append(next: Catalog): void {
    const before = this.#line
    if (next.history.at(-1)?.did === 'rebuild') this.#wasRebuilt = true
    if (before !== undefined && next.floor < before.floor) throw new Error('Rule 3: the floor has sunk')
    // One that was set aside is listed again by whoever finds that it verifies.
    const outside = [...(before?.quarantined ?? []), ...(before?.removed ?? [])].map(({ entry }) => entry)
    const setAside = [...outside, ...(before?.abandoned ?? [])]
    const known = new Set([...(before?.checkpoints ?? []), ...setAside].map(({ attempt }) => attempt))
    for (const entry of next.checkpoints) {
      if (!known.has(entry.attempt)) this.#onlyTheOwnerAdds(next, entry)
      if (!known.has(entry.attempt) || this.#left.has(entry.attempt)) this.#wasNotLeft(entry)
      this.#operationOf.set(entry.attempt, operationOf(entry))
    }
    for (const entry of next.abandoned ?? []) this.#operationOf.set(entry.attempt, operationOf(entry))
    if (before !== undefined) this.#noteRewind(before, next)
    for (const { attempt, because, step } of next.history.at(-1)?.dropped ?? []) {
      const operation = this.#operationOf.get(attempt)
      if (operation !== undefined) this.#dropped.set(operation, because)
      const was = [...(before?.checkpoints ?? []), ...(before?.abandoned ?? [])].find(
        (entry) => entry.attempt === attempt,
      )
      if (was?.pinned !== undefined) {
        throw new Error(`P6: step ${step} was pinned, and was dropped: ${because}`)
      }
      if (was !== undefined && before !== undefined) this.#mayGo(was, before, next, because)
    }
    if (before !== undefined && before.checkpoints.length > 0 && next.checkpoints.length === 0) {
      const quarantined = next.quarantined.length > before.quarantined.length
      if (!quarantined) throw new Error('P6: the last good checkpoint was dropped')
    }
    if (before !== undefined) this.#pinsStay(before, next)
    if (before !== undefined) this.#judgeRemovals(before, next)
    if (before !== undefined) this.#noteTheDead(before, next)
    this.#line = next
  }

  /** P6: only an unpin ends a pin, also if the version with the pin is damaged or lost. */
  #pinsStay(before: Catalog, next: Catalog): void {
    const { did = '' } = next.history.at(-1) ?? {}
    if (did.startsWith('unpin')) return
    const pinned = new Set(
      [...before.checkpoints, ...(before.abandoned ?? [])].flatMap((entry) =>
        entry.pinned === undefined ? [] : [entry.attempt],
      ),
    )
    const lost = [...next.checkpoints, ...(next.abandoned ?? [])].find(
      (entry) => entry.pinned === undefined && pinned.has(entry.attempt),
    )
    if (lost !== undefined) throw new Error(`P6: step ${lost.step} was pinned, and is not after: ${did}`)
  }

  /** P6: a person removes nothing that is protected. Only an undo brings back what was removed. */
  #judgeRemovals(before: Catalog, next: Catalog): void {
    for (const { entry, because, version } of next.removed ?? []) {
      if (version !== next.version) continue
      if (entry.pinned !== undefined) throw new Error(`P6: step ${entry.step} was pinned, and was removed`)
      this.#mayGo(entry, before, next, because)
    }
    const removed = new Set(before.removed?.map(({ entry }) => entry.attempt))
    const { did = '' } = next.history.at(-1) ?? {}
    const back = [...next.checkpoints, ...(next.abandoned ?? [])].find(({ attempt }) => removed.has(attempt))
    // A version before the removal counts if the versions since are damaged.
    const isRebuilt = did === 'rebuild' && this.#disk.damaged.some((key) => !key.startsWith('data/'))
    if (back !== undefined && !did.startsWith('undo') && !isRebuilt)
      throw new Error(`P6: step ${back.step} was removed, and is back after: ${did}`)
  }

  /** P4: what a rewind left behind, and a save that began before it, is not listed any more. */
  #wasNotLeft({ attempt, recovered }: CatalogEntry): void {
    if (recovered === true || this.#wasRebuilt) return
    if (this.#left.has(attempt) || partsOfAttempt(attempt).base < this.#rewound)
      throw new Error(`P4: ${attempt} was left behind by a rewind, and is listed`)
  }

  #noteRewind(before: Catalog, next: Catalog): void {
    const step = /^rewind to (\d+)$/.exec(next.history.at(-1)?.did ?? '')?.[1]
    if (step === undefined) return
    const target = before.checkpoints.find((entry) => entry.step === Number(step))
    if (target === undefined) throw new Error(`P4: a rewind went to step ${step}, which is not there`)
    if (latestOf(next.checkpoints)?.attempt !== target.attempt)
      throw new Error(`P4: a rewind went to step ${step}, which is not the latest`)
    this.#rewound = next.version
    const removed = before.removed?.map(({ entry }) => entry) ?? []
    for (const entry of [...before.checkpoints, ...removed])
      if (compareSaves(entry, target) > 0) this.#left.add(entry.attempt)
  }

  /** What the version before did not list, although it began below its floor, was dead by it. */
  #noteTheDead(before: Catalog, next: Catalog): void {
    for (const { attempt } of next.history.at(-1)?.dropped ?? []) this.#dead.add(attempt)
    const known = new Set(entriesOf(before).map(({ attempt }) => attempt))
    for (const { attempt } of entriesOf(next)) {
      if (!known.has(attempt) && partsOfAttempt(attempt).base < before.floor) this.#dead.add(attempt)
    }
  }

  /**
   * A deleted checkpoint must not be better than all others. A checkpoint that retention drops must not be better than
   * all that remain, and must not be the latest in the order of saves.
   */
  #mayGo(dropped: CatalogEntry, before: Catalog, next: Catalog, because: string): void {
    const { step } = dropped
    const isByHand = byHand.includes(because)
    const wasAbandoned = before.checkpoints.every(({ attempt }) => attempt !== dropped.attempt)
    // Its step was saved again, so its metrics do not count any more.
    if (wasAbandoned && next.checkpoints.some((entry) => entry.step === step)) return
    if (!isByHand && !wasAbandoned && next.checkpoints.every((entry) => compareSaves(entry, dropped) < 0))
      throw new Error(`P6: step ${step} was the latest, and was dropped: ${because}`)
    // A commit may give a step another loss and drop it; what replaces a step brings a loss of its own.
    const { metrics, checkpoints: listed, abandoned = [] } = isByHand ? before : next
    const steps = new Set(listed.map((entry) => entry.step))
    const checkpoints = [...listed, ...abandoned.filter((entry) => !steps.has(entry.step))]
    const record = metrics.find((line) => line.step === step)
    // The metrics of a step are those of its latest save.
    if (wasAbandoned && compareOrders(record?.order ?? dropped.order, dropped.order) !== 0) return
    const loss = Number(record?.metrics['loss'])
    // Of two saves with equal order keys, the metrics tell whose they are.
    if (wasAbandoned && loss !== Number(dropped.metrics['loss'])) return
    if (!Number.isFinite(loss)) return
    const others = checkpoints
      .filter((entry) => entry.step !== step)
      .map((entry) => Number(entry.metrics['loss']))
      .filter(Number.isFinite)
    if (others.every((other) => other > loss))
      throw new Error(`P6: step ${step} was the best, and was dropped: ${because}`)
  }

  #onlyTheOwnerAdds({ owner, version }: Catalog, entry: CatalogEntry): void {
    const process = operationOf(entry).split('.')[0]
    if (owner !== null && owner.name !== process && !owner.name.endsWith(` (${process})`)) {
      throw new Error(
        `P5: version ${version} belongs to ${owner.name}, and ${operationOf(entry)} was added to it`,
      )
    }
  }

  #newestIsThere({ version }: Catalog): void {
    const newest = this.#disk.keys('catalog/').map((key) => catalogVersionOf(key) ?? 0)
    if (Math.max(0, ...newest) < version)
      throw new Error(`Rule 3: version ${version}, the newest, was deleted`)
  }

  #listedIsThere(catalog: Catalog): void {
    for (const entry of entriesOf(catalog)) {
      const { attempt, fileCount, step, storedAt } = entry
      if (this.#dead.has(attempt)) continue
      const stored = this.#disk.stat(manifestKey(attempt))?.modifiedAt.toISOString() ?? storedAt
      if (storedAt !== undefined && storedAt !== stored)
        throw new Error(`P6: step ${step} was stored at ${stored}, and is listed with ${storedAt}`)
      const keys = this.#disk.keys(`data/${attempt}/`)
      const objects = this.#objectsOf(attempt, keys) ?? fileCount
      if (keys.length !== objects + 1)
        throw new Error(`P2: step ${step} is listed with ${keys.length - 1} of ${objects} objects`)
    }
  }

  /**
   * Returns the number of objects that hold the files, or `undefined` if each file is one. All files of the simulated saves are
   * small, so a pack or the manifest holds all of them.
   */
  #objectsOf(attempt: AttemptId, keys: readonly string[]): number | undefined {
    if (keys.some((key) => key.includes('/.holdfast/packs/'))) return 1
    const manifest = keys.length === 1 ? this.#disk.written(manifestKey(attempt)) : undefined
    if (manifest === undefined) return undefined
    const { files } = decodeManifest(manifest, attempt)
    return files.every(({ content }) => content !== undefined) ? 0 : undefined
  }

  /** Rule 4 for pages: the pages that the newest version needs, and those of older versions above the floor. */
  #pagesAreThere({ version, floor }: Catalog): void {
    for (const [each, keys] of this.#pagesNeeded) {
      if (each !== version && each < floor) {
        this.#pagesNeeded.delete(each)
        continue
      }
      const gone = keys.find((key) => this.#disk.get(key) === undefined)
      if (gone !== undefined) throw new Error(`Rule 4: version ${each} needs ${gone}, which is not there`)
    }
  }
}

function entriesOf({
  checkpoints,
  quarantined,
  abandoned = [],
  removed = [],
}: Catalog): readonly CatalogEntry[] {
  return [...checkpoints, ...[...quarantined, ...removed].map(({ entry }) => entry), ...abandoned]
}

/** Returns a catalog with all lines of its pages, as they were written. */
export function wholeOn(disk: Disk, catalog: Catalog): Catalog {
  const { older, ...rest } = catalog
  const checkpoints = pagesUnder(disk, older?.checkpoints).flatMap(([, page]) =>
    page.holds === 'checkpoints' ? page.content : [],
  )
  const metrics = pagesUnder(disk, older?.metrics).flatMap(([, page]) =>
    page.holds === 'metrics' ? page.content : [],
  )
  return {
    ...rest,
    checkpoints: [...checkpoints, ...catalog.checkpoints],
    metrics: [...metrics, ...catalog.metrics],
  }
}

/** Returns these pages and the pages that they refer to, by key. */
function pagesUnder(
  disk: Disk,
  references: readonly PageReference[] = [],
): readonly (readonly [string, PageContent])[] {
  return references.flatMap((reference) => {
    const page = pageOn(disk, reference)
    const below = page.holds === 'pages' ? pagesUnder(disk, page.content) : []
    return [[pageKey(reference.page), page] as const, ...below]
  })
}

function pageOn(disk: Disk, reference: PageReference): PageContent {
  const bytes = disk.written(pageKey(reference.page))
  if (bytes === undefined) throw new Error(`Rule 4: ${pageKey(reference.page)} is needed, and is not there`)
  return decodePage(bytes, reference)
}

export function operationOf({ tags }: { readonly tags: readonly string[] }): string {
  const [operation] = tags
  if (operation === undefined)
    throw new HoldfastError('CORRUPT', 'a checkpoint without the name of its operation')
  return operation
}
