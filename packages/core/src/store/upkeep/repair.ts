import { HoldfastError, isHoldfastError } from '../../errors.ts'
import type { CheckpointBackend } from '../../backend/index.ts'
import type { StoreContext } from '../context.ts'
import {
  agreementsPrefix,
  type AttemptId,
  attemptOfKey,
  type CatalogEntry,
  dataPrefix,
  decodeManifest,
  manifestKey,
  partsOfAttempt,
  type Rewind,
  termOfKey,
} from '../../catalog/documents/index.ts'
import { inOrderOfSaves } from '../../catalog/commit/changes/index.ts'
import { highestNamedVersion, versionAbove } from '../../catalog/commit/lost-versions.ts'
import { newestReadable, type ReadableCatalog } from '../../catalog/commit/newest-readable.ts'
import { isDeadIn } from '../../catalog/commit/rules/index.ts'
import { concurrently } from '../../backend/index.ts'
import { attemptsOf, type LostPage, type PagedCatalog, type WholeCatalog } from '../../catalog/pages/index.ts'
import { readIfThere } from '../../catalog/documents/read-document.ts'
import { entryOf } from '../attempts/write-attempt.ts'
import { problemsOf } from '../attempts/problems.ts'
import { afterRewinds, committedRewinds, foundRewinds } from './found-rewinds.ts'
import { ensureMarker, type FoundMarker, readMarker } from './ensure-marker.ts'
import { compareOrders } from '../../order-key.ts'
import { withSecondLook } from '../../async/second-look.ts'

/** Number of races with running writers that a repair may lose before it gives up. */
const maxRaces = 100

/** Milliseconds before a repair tries again. */
const pauseAfterRace = 20

/** Maximum number of checkpoints that are read concurrently. */
const checkpointsAtOnce = 8

export interface RepairOptions {
  readonly signal?: AbortSignal | undefined
}

export interface RepairReport {
  /** The versions of the catalog that are damaged or lack pages, newest first. */
  readonly damagedCatalogs: readonly { readonly version: number; readonly reason: string }[]
  /** Steps of complete checkpoints that are listed again. */
  readonly recovered: readonly number[]
  /** Steps of complete checkpoints that a rewind had left behind. They are abandoned again. */
  readonly abandoned: readonly number[]
  /** Steps that are incomplete and were quarantined. */
  readonly quarantined: readonly { readonly step: number; readonly reason: string }[]
  /** Quarantined steps that verify and are listed again. */
  readonly released: readonly number[]
  /** Whether the marker at the root was written again. */
  readonly markerRewritten: boolean
  /** The new version of the catalog; `undefined` if nothing was changed. */
  readonly version: number | undefined
}

/**
 * Rebuilds the list from the newest readable version and from every complete attempt that may have been committed after it.
 * Loses no acknowledged checkpoint. A complete checkpoint that was never acknowledged may be listed. The commit raises the
 * floor to itself, so attempts that a damaged version allowed to be swept are never listed. It can be repeated.
 */
export async function repairStore(context: StoreContext, options: RepairOptions): Promise<RepairReport> {
  const marker = await readMarker(context.backend, options.signal)
  for (let races = 0; races <= maxRaces; races += 1) {
    const report = await repairOnce(context, marker, options.signal)
    if (report !== undefined) return report
    await context.environment.pause(pauseAfterRace, options.signal)
  }
  throw new HoldfastError(
    'UNAVAILABLE',
    `The repair lost ${maxRaces} races against running writers. Stop them, or try again.`,
    { url: context.backend.url },
  )
}

/** Returns `undefined` if a writer has committed in the meantime. Then the repair starts again. */
async function repairOnce(
  context: StoreContext,
  marker: FoundMarker,
  signal: AbortSignal | undefined,
): Promise<RepairReport | undefined> {
  const { backend, log, environment } = context
  const { catalog, lost, newestVersion, damaged } = await readableAfterFence(context, signal)
  const at = environment.now().toISOString()
  const term = await latestTerm(backend, catalog, signal)
  const unlisted = await unlistedWholes(backend, catalog, lost, at, signal)
  const rewinds = committedRewinds(await foundRewinds(backend, signal), catalog, unlisted)
  const { recovered, listed: stillListed, abandoned, rewound } = withRewinds(catalog, unlisted, rewinds)
  const { whole, incomplete } = await judge(context, [...stillListed, ...recovered], signal)
  const left = await judge(context, abandoned, signal)
  const provedGood = await provedAgain(context, catalog, signal)
  const { chosen, rivals } = onePerStep(stillListed, [...whole, ...provedGood], damaged.length > 0)
  const listed = new Set(chosen)
  const newlyListed = recovered.filter((entry) => listed.has(entry))
  const released = provedGood.filter((entry) => listed.has(entry))
  const wereSetAside = new Set(provedGood)
  // An undamaged catalog knows which of two attempts was committed. The other one failed, or is still being saved.
  const doubtful = damaged.length > 0 ? rivals.filter((entry) => !wereSetAside.has(entry)) : []
  const setAside = [
    ...incomplete,
    ...doubtful.map(asRival),
    ...left.incomplete.map((aside) => ({ ...aside, abandoned: true })),
  ]
  const isStore = newestVersion > 0 || unlisted.length > 0
  const report = {
    damagedCatalogs: damaged,
    recovered: newlyListed.map(({ step }) => step),
    abandoned: left.whole.filter((entry) => unlisted.includes(entry)).map(({ step }) => step),
    quarantined: setAside.map(({ entry, reason }) => ({ step: entry.step, reason })),
    released: released.map(({ step }) => step),
    markerRewritten: marker.kind === 'damaged' || (marker.kind === 'missing' && isStore),
  }
  const nothingToDo =
    damaged.length === 0 &&
    [report.recovered, report.abandoned, setAside, released].every(({ length }) => length === 0)
  if (nothingToDo) {
    if (report.markerRewritten) await ensureMarker(context, signal)
    return { ...report, version: undefined }
  }
  refuseRunning(
    context,
    catalog,
    damaged.some(({ version }) => version > catalog.version),
  )
  await ensureMarker(context, signal)
  const committed = await log.commitAfter(
    newestVersion,
    catalog,
    {
      kind: 'rebuild',
      checkpoints: chosen,
      quarantined: [
        ...catalog.quarantined.filter(({ entry }) => !released.includes(entry)),
        ...setAside.map((aside) => ({ ...aside, at })),
      ],
      dropped: [],
      abandoned: left.whole,
      rewound,
      term,
    },
    signal,
  )
  if (committed === undefined) return undefined
  context.events.emit('rebuilt', {
    version: committed.catalog.version,
    checkpoints: committed.catalog.checkpoints.length,
  })
  return { ...report, version: committed.catalog.version }
}

/**
 * Returns the newest readable version. If later versions are lost, creates a fence above them before it reads. After that, no
 * writer that knows a lost version can acknowledge a commit that this read misses.
 */
async function readableAfterFence(
  context: StoreContext,
  signal: AbortSignal | undefined,
): Promise<ReadableCatalog> {
  const { backend, log } = context
  for (;;) {
    const readable = await newestReadable(log, signal)
    const named = await highestNamedVersion(backend, signal)
    if (named <= readable.newestVersion) return readable
    // Another writer may have committed between the two lists.
    if ((await log.newestListed(named, signal)) !== undefined) continue
    // A manifest or a rewind of a newer version of Holdfast stops the repair before it writes the fence.
    await unlistedWholes(backend, readable.catalog, readable.lost, '', signal)
    await foundRewinds(backend, signal)
    await ensureMarker(context, signal)
    await log.fence(versionAbove(named, backend.url))
  }
}

/**
 * If the catalog is undamaged, its owner may be running. A repair would fence that owner, so it does not commit then.
 */
function refuseRunning(
  { backend, writer, mayTakeOver }: StoreContext,
  { owner }: PagedCatalog,
  isDamaged: boolean,
): void {
  const isOfOwner =
    owner === null || owner.id === writer.id || (owner.job !== undefined && owner.job === writer.job)
  if (isDamaged || isOfOwner || mayTakeOver) return
  throw new HoldfastError(
    'FENCED',
    `The store belongs to ${owner.name} since ${owner.since}, and a repair would fence it.`,
    { url: backend.url, hint: { kind: 'take-over' } },
  )
}

/**
 * Returns complete attempts that the catalog neither lists nor declares dead. A lost page may have listed and pinned
 * such an attempt, so it is pinned until a person unpins it.
 */
async function unlistedWholes(
  backend: CheckpointBackend,
  catalog: WholeCatalog,
  lost: readonly LostPage[],
  at: string,
  signal: AbortSignal | undefined,
): Promise<readonly CatalogEntry[]> {
  const listed = attemptsOf(catalog)
  const isDead = isDeadIn(catalog)
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
      const entry = await withSecondLook(async (look) => {
        const bytes = await readIfThere(backend, manifestKey(attempt), signal, look)
        return bytes === undefined ? undefined : entryOf(decodeManifest(bytes, attempt), bytes)
      })
      if (entry === undefined) continue // the save never finished
      const pin = mayHaveBeenListed(attempt) ? { pinned: { reason: pinnedByRepair, at } } : {}
      wholes.push({ ...entry, ...pin, recovered: true })
    } catch (error) {
      if (!isHoldfastError(error, 'CORRUPT')) throw error
    }
  }
  return wholes
}

const pinnedByRepair = 'found by repair: a page of the catalog was lost, and it may have been pinned there'

/** Returns whether a lost page may have listed an attempt. Only the floor declares such an attempt dead. */
function inLostPages(lost: readonly LostPage[], { history }: WholeCatalog): (attempt: AttemptId) => boolean {
  const ranges = lost.flatMap(({ holds, reference }) => (holds === 'checkpoints' ? [reference] : []))
  const dropped = new Set(history.flatMap((record) => record.dropped.map(({ attempt }) => attempt)))
  return (attempt) => {
    const { step } = partsOfAttempt(attempt)
    return ranges.some(({ from, to }) => from <= step && step <= to) && !dropped.has(attempt)
  }
}

/**
 * Applies rewinds to the lists of a catalog and to attempts that it does not list. The catalog has applied the older ones to
 * its own lists already.
 */
function withRewinds(
  catalog: WholeCatalog,
  unlisted: readonly CatalogEntry[],
  rewinds: readonly Rewind[],
): {
  readonly listed: readonly CatalogEntry[]
  readonly recovered: readonly CatalogEntry[]
  readonly abandoned: readonly CatalogEntry[]
  /** The order key of the newest rewind, if the catalog does not know it. */
  readonly rewound: Rewind['to'] | undefined
} {
  const { rewound, abandoned = [], checkpoints } = catalog
  const newer = rewinds.filter(({ to }) => rewound === undefined || compareOrders(to, rewound) > 0)
  const known = afterRewinds(checkpoints.all, newer)
  const found = afterRewinds(unlisted, rewinds)
  return {
    listed: known.listed,
    recovered: found.listed,
    abandoned: inOrderOfSaves([...abandoned, ...known.abandoned, ...found.abandoned]),
    rewound: newer.at(-1)?.to,
  }
}

interface SetAside {
  readonly entry: CatalogEntry
  readonly reason: string
  /** Whether a rewind left it behind. */
  readonly abandoned?: boolean | undefined
}

/** Separates entries whose files all exist with the right size from the others, which get a reason. */
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
 * Chooses one of several complete attempts at a step. If versions of the catalog are damaged, a later commit may have
 * replaced the listed attempt, so the latest attempt by order key is chosen. Otherwise the listed one stays.
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
  return { entry, reason: 'repair found and listed another complete attempt at the same step' }
}

/** Compares order keys, which name the catalog that each save knew. Equal keys are compared by the writers' clocks. */
function isLater(entry: CatalogEntry, rival: CatalogEntry): boolean {
  const order =
    compareOrders(entry.order, rival.order) ||
    partsOfAttempt(entry.attempt).base - partsOfAttempt(rival.attempt).base ||
    Date.parse(entry.savedAt) - Date.parse(rival.savedAt)
  return order > 0
}

/**
 * Returns the highest term of a job of many ranks, from the catalog or an agreement. A job never repeats a term.
 * Returns `undefined` if there is none.
 */
async function latestTerm(
  backend: CheckpointBackend,
  { term: known = 0 }: PagedCatalog,
  signal: AbortSignal | undefined,
): Promise<number | undefined> {
  let term = known
  for await (const { key } of backend.list(agreementsPrefix, { signal }))
    term = Math.max(term, termOfKey(key) ?? 0)
  return term === 0 ? undefined : term
}

/** Returns quarantined checkpoints that verify now, and whose step was not saved again. */
async function provedAgain(
  context: StoreContext,
  catalog: WholeCatalog,
  signal: AbortSignal | undefined,
): Promise<readonly CatalogEntry[]> {
  const good: CatalogEntry[] = []
  for (const { entry, abandoned: isAbandoned = false } of catalog.quarantined) {
    if (isAbandoned || catalog.checkpoints.get(entry.step) !== undefined) continue
    if ((await problemsOf(context, entry, { signal })).length === 0) good.push(entry)
  }
  return good
}
