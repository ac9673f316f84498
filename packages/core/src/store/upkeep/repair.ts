import { HoldfastError, isHoldfastError, messageOf } from '../../errors.ts'
import type { CheckpointBackend } from '../../backend/index.ts'
import type { StoreContext } from '../context.ts'
import {
  type AttemptId,
  attemptOfKey,
  type CatalogEntry,
  dataPrefix,
  decodeManifest,
  decodeMarker,
  encodeMarker,
  manifestKey,
  type Marker,
  markerKey,
  newMarker,
  partsOfAttempt,
} from '../documents/index.ts'
import type { CatalogLog, CatalogVersion } from '../commit/catalog-log.ts'
import { attemptsOf } from '../commit/changes.ts'
import { deadBy } from '../commit/rules.ts'
import { concurrently } from '../../backend/index.ts'
import { type LostPage, noCatalog, type PagedCatalog, type WholeCatalog } from '../pages/index.ts'
import { readIfThere } from '../read-object.ts'
import { withSecondLook } from '../second-look.ts'
import { entryOf } from '../save/write-attempt.ts'
import { problemsOf } from './verify.ts'

/** Checkpoints that are looked at together. */
const checkpointsAtOnce = 8

export interface RepairOptions {
  readonly signal?: AbortSignal | undefined
}

export interface RepairReport {
  /** Versions of the catalog that are damaged, or lack pages, the newest first. */
  readonly damagedCatalogs: readonly { readonly version: number; readonly reason: string }[]
  /** Steps of whole checkpoints that the list did not have, and has again. */
  readonly found: readonly number[]
  /** Steps that are incomplete, and set aside. */
  readonly quarantined: readonly { readonly step: number; readonly reason: string }[]
  /** Steps that had been set aside and prove good. */
  readonly released: readonly number[]
  /** Whether the marker at the root had to be written anew. */
  readonly markerRewritten: boolean
  /** The version of the catalog that came of it; `undefined` when nothing had to be changed. */
  readonly version: number | undefined
}

/** The newest version that can be read, as much of it as can be, and the damaged ones from it on. */
export interface ReadableCatalog {
  readonly catalog: WholeCatalog
  /** Its pages that are damaged or gone: what stood in them is not in `catalog`. */
  readonly lost: readonly LostPage[]
  readonly newestVersion: number
  readonly damaged: readonly { readonly version: number; readonly reason: string }[]
}

/**
 * Goes down from the newest version until one can be read; the empty one when none can. Begins anew when others have
 * gone on meanwhile, and have swept what is missing.
 */
export async function newestReadable({ log }: StoreContext, signal?: AbortSignal): Promise<ReadableCatalog> {
  for (;;) {
    const versions = await Array.fromAsync(log.versions(1, signal))
    const { isMissing, ...readable } = await readDown(log, versions, signal)
    if (!isMissing) return readable
    const now = await Array.fromAsync(log.versions(readable.newestVersion, signal))
    if (now.at(-1)?.version === readable.newestVersion || now.length === 0) return readable
  }
}

async function readDown(
  log: CatalogLog,
  versions: readonly CatalogVersion[],
  signal: AbortSignal | undefined,
): Promise<ReadableCatalog & { readonly isMissing: boolean }> {
  const damaged: { readonly version: number; readonly reason: string }[] = []
  const newestVersion = versions.at(-1)?.version ?? 0
  let isMissing = false
  for (const listed of withoutSleepers(versions.toReversed())) {
    try {
      const found = await log.listed(listed, signal)
      if (found === undefined) {
        isMissing = true
        continue
      }
      const { catalog, lost } = await log.salvage(found, signal)
      damaged.push(...lost.map(({ reason }) => ({ version: listed.version, reason: reason.message })))
      isMissing ||= lost.some(({ reason }) => reason.code === 'NOT_FOUND')
      return { catalog, lost, newestVersion, damaged, isMissing }
    } catch (error) {
      if (!isHoldfastError(error, 'CORRUPT')) throw error
      damaged.push({ version: listed.version, reason: messageOf(error) })
    }
  }
  return { catalog: noCatalog, lost: [], newestVersion, damaged, isMissing }
}

/**
 * A sleeper can create a number again that was swept (rule 6). As long as the newest version can be read, nobody goes
 * by such a one; where it cannot, what was stored after a later version is told by that, by the store's own clock.
 */
function withoutSleepers(newestFirst: readonly CatalogVersion[]): readonly CatalogVersion[] {
  let earliestLater = Infinity
  return newestFirst.filter(({ storedAt }) => {
    if (storedAt.getTime() > earliestLater) return false
    earliestLater = storedAt.getTime()
    return true
  })
}

/**
 * Rebuilds the list from what is there: the newest version that can be read, and every whole attempt that may
 * have been committed after it. No acknowledged checkpoint is lost; one that was saved whole and never
 * acknowledged may come back. The commit raises the floor to itself, so what the damaged versions allowed to
 * be swept can never be listed again. Safe to repeat.
 */
export async function repairStore(context: StoreContext, options: RepairOptions): Promise<RepairReport> {
  const { backend, log, surroundings } = context
  const { signal } = options
  const markerRewritten = await repairMarker(context, signal)
  const { catalog, lost, newestVersion, damaged } = await newestReadable(context, signal)
  const at = surroundings.now().toISOString()
  const found = await unlistedWholes(backend, catalog, lost, at, signal)
  const { whole, incomplete } = await judge(context, [...catalog.checkpoints.all, ...found], signal)
  const provedGood = await provedAgain(context, catalog, signal)
  const { chosen, rivals } = onePerStep(
    catalog.checkpoints.all,
    [...whole, ...provedGood],
    damaged.length > 0,
  )
  const listed = new Set(chosen)
  const released = provedGood.filter((entry) => listed.has(entry))
  const wereSetAside = new Set(provedGood)
  const setAside = [...incomplete, ...rivals.filter((entry) => !wereSetAside.has(entry)).map(asRival)]
  const report = {
    damagedCatalogs: damaged,
    found: found.filter((entry) => listed.has(entry)).map(({ step }) => step),
    quarantined: setAside.map(({ entry, reason }) => ({ step: entry.step, reason })),
    released: released.map(({ step }) => step),
    markerRewritten,
  }
  const nothingToDo =
    damaged.length === 0 && found.length === 0 && setAside.length === 0 && released.length === 0
  if (nothingToDo) return { ...report, version: undefined }
  refuseRunning(
    context,
    catalog,
    damaged.some(({ version }) => version > catalog.version),
  )
  const committed = await log.commitAfter(
    newestVersion,
    catalog,
    {
      kind: 'rebuild',
      checkpoints: chosen,
      quarantined: [
        ...catalog.quarantined.filter(({ entry }) => !released.includes(entry)),
        ...setAside.map(({ entry, reason }) => ({ entry, reason, at })),
      ],
      dropped: [],
    },
    signal,
  )
  context.events.emit('rebuilt', {
    version: committed.catalog.version,
    checkpoints: committed.catalog.checkpoints.length,
  })
  return { ...report, version: committed.catalog.version }
}

/** While the catalog is sound its owner may be running: a repair would fence it, and is not worth that unasked. */
function refuseRunning(
  { backend, writer, mayTakeOver }: StoreContext,
  { owner }: PagedCatalog,
  isDamaged: boolean,
): void {
  if (isDamaged || owner === null || owner.id === writer.id || mayTakeOver) return
  throw new HoldfastError(
    'FENCED',
    `The store belongs to ${owner.name} since ${owner.since}, and a repair would fence it. ` +
      'Stop that writer, or take the store over (takeOver: true, --take-over).',
    { url: backend.url },
  )
}

/** Writes the marker anew when it is missing from a store that has a catalog, or damaged. */
export async function repairMarker(context: StoreContext, signal?: AbortSignal): Promise<boolean> {
  const { backend, log, surroundings } = context
  const found = await readMarker(backend, signal)
  if (found.kind === 'good') return false
  if (found.kind === 'missing' && (await log.isEmpty(signal))) return false
  // `provedAt` stays empty: the next writer proves the store again.
  const marker = encodeMarker(newMarker(surroundings.newId(), surroundings.now().toISOString(), ''))
  await backend.put(markerKey, marker, { size: marker.byteLength, contentType: 'application/json', signal })
  return true
}

export type FoundMarker =
  | { readonly kind: 'good'; readonly marker: Marker }
  | { readonly kind: 'damaged' }
  | { readonly kind: 'missing' }

/** Rejects with `UNSUPPORTED` for the marker of a newer Holdfast. */
export async function readMarker(backend: CheckpointBackend, signal?: AbortSignal): Promise<FoundMarker> {
  try {
    return await withSecondLook(async () => {
      const bytes = await readIfThere(backend, markerKey, signal)
      return bytes === undefined ? { kind: 'missing' } : { kind: 'good', marker: decodeMarker(bytes) }
    })
  } catch (error) {
    if (isHoldfastError(error, 'CORRUPT')) return { kind: 'damaged' }
    throw error
  }
}

/**
 * Whole attempts that the catalog does not list and does not know to be dead. One whose step stood in a lost page may
 * have been listed there, and may have been pinned: it is, until a person says otherwise.
 */
async function unlistedWholes(
  backend: CheckpointBackend,
  catalog: WholeCatalog,
  lost: readonly LostPage[],
  at: string,
  signal: AbortSignal | undefined,
): Promise<readonly CatalogEntry[]> {
  const listed = attemptsOf(catalog)
  const isDead = deadBy(catalog)
  const mayHaveBeenListed = inLostPages(lost, catalog)
  const attempts = new Set<AttemptId>()
  for await (const { key } of backend.list(dataPrefix, { signal })) {
    const attempt = attemptOfKey(key)
    if (attempt === undefined || listed.has(attempt)) continue
    if (!isDead(key) || mayHaveBeenListed(attempt)) attempts.add(attempt)
  }
  const wholes: CatalogEntry[] = []
  for (const attempt of attempts) {
    try {
      const entry = await withSecondLook(async () => {
        const bytes = await readIfThere(backend, manifestKey(attempt), signal)
        return bytes === undefined ? undefined : entryOf(decodeManifest(bytes, attempt), bytes)
      })
      if (entry === undefined) continue // never finished
      const pin = mayHaveBeenListed(attempt) ? { pinned: { reason: pinnedByRepair, at } } : {}
      wholes.push({ ...entry, ...pin, found: true })
    } catch (error) {
      if (!isHoldfastError(error, 'CORRUPT')) throw error
    }
  }
  return wholes
}

const pinnedByRepair = 'found by repair: a page of the catalog was lost, and it may have been pinned there'

/** Tells whether a lost page may have listed an attempt, which nothing but the floor declares dead. */
function inLostPages(lost: readonly LostPage[], { history }: WholeCatalog): (attempt: AttemptId) => boolean {
  const ranges = lost.flatMap(({ holds, reference }) => (holds === 'checkpoints' ? [reference] : []))
  const dropped = new Set(history.flatMap((record) => record.dropped.map(({ attempt }) => attempt)))
  return (attempt) => {
    const { step } = partsOfAttempt(attempt)
    return ranges.some(({ from, to }) => from <= step && step <= to) && !dropped.has(attempt)
  }
}

interface SetAside {
  readonly entry: CatalogEntry
  readonly reason: string
}

/** Parts entries into those whose files are all there with the right size, and the others with what is wrong. */
async function judge(
  context: StoreContext,
  entries: readonly CatalogEntry[],
  signal: AbortSignal | undefined,
): Promise<{ readonly whole: readonly CatalogEntry[]; readonly incomplete: readonly SetAside[] }> {
  const judged = await concurrently(entries, checkpointsAtOnce, signal, async (entry, taskSignal) => ({
    entry,
    problems: await problemsOf(context, entry, { quick: true, signal: taskSignal }),
  }))
  return {
    whole: judged.filter(({ problems }) => problems.length === 0).map(({ entry }) => entry),
    incomplete: judged
      .filter(({ problems }) => problems.length > 0)
      .map(({ entry, problems }) => ({ entry, reason: problems.join('; ') })),
  }
}

/**
 * Of several whole attempts at one step one is listed. Where versions of the catalog are damaged, the truth may
 * have moved on: the attempt that began upon the newer catalog, then the later one. Else the one that is listed.
 */
function onePerStep(
  listed: readonly CatalogEntry[],
  entries: readonly CatalogEntry[],
  truthMovedOn: boolean,
): { readonly chosen: readonly CatalogEntry[]; readonly rivals: readonly CatalogEntry[] } {
  const wereListed = new Set(listed)
  const bySteps = new Map<number, CatalogEntry>()
  for (const entry of entries) {
    const rival = bySteps.get(entry.step)
    const keepsRival = rival !== undefined && !truthMovedOn && wereListed.has(rival)
    if (rival === undefined || (!keepsRival && isLater(entry, rival))) bySteps.set(entry.step, entry)
  }
  const chosen = new Set(bySteps.values())
  return {
    chosen: [...chosen].sort((one, other) => one.step - other.step),
    rivals: entries.filter((entry) => !chosen.has(entry)),
  }
}

function asRival(entry: CatalogEntry): SetAside {
  return { entry, reason: 'repair found another whole attempt at the same step, which is listed' }
}

function isLater(entry: CatalogEntry, rival: CatalogEntry): boolean {
  const base = partsOfAttempt(entry.attempt).base
  const rivalBase = partsOfAttempt(rival.attempt).base
  return base > rivalBase || (base === rivalBase && entry.savedAt > rival.savedAt)
}

/** The quarantined that, read whole once more, prove good, and whose step has not been saved again since. */
async function provedAgain(
  context: StoreContext,
  catalog: WholeCatalog,
  signal: AbortSignal | undefined,
): Promise<readonly CatalogEntry[]> {
  const good: CatalogEntry[] = []
  for (const { entry } of catalog.quarantined) {
    if (catalog.checkpoints.get(entry.step) !== undefined) continue
    if ((await problemsOf(context, entry, { signal })).length === 0) good.push(entry)
  }
  return good
}
