import type { CheckpointBackend } from '../../../backend/index.ts'
import { highestNamedVersion, versionAbove } from '../../../catalog/commit/lost-versions.ts'
import { newestReadable, type ReadableCatalog } from '../../../catalog/commit/newest-readable.ts'
import { agreementsPrefix, termOfKey } from '../../../catalog/documents/index.ts'
import type { PagedCatalog } from '../../../catalog/pages/index.ts'
import { HoldfastError } from '../../../errors.ts'
import type { StoreContext } from '../../context/context.ts'
import { ensureMarker } from '../../marker/ensure-marker.ts'
import { type FoundMarker, readMarker } from '../../marker/read-marker.ts'
import { planRebuild, type RepairReport, type Survey } from './plan-rebuild.ts'
import { committedRewinds, foundRewinds, withRewinds } from './rewinds.ts'
import { unlistedWholes } from './unlisted-attempts.ts'
import { separateWhole, verifiedAgain } from './verified-entries.ts'

/** Number of races with running writers that a repair may lose before it gives up. */
const maxRaces = 100

/** Milliseconds before a repair tries again. */
const pauseAfterRace = 20

/** The options of `store.repair()`. */
export interface RepairOptions {
  readonly signal?: AbortSignal | undefined
}

type CompleteJoint = (readable: ReadableCatalog, signal: AbortSignal | undefined) => Promise<void>

/**
 * Rebuilds the list from the newest readable version and from every complete attempt that may have been committed after it.
 * Loses no acknowledged checkpoint. A complete checkpoint that was never acknowledged may be listed. The commit raises the
 * floor to itself, so attempts that a damaged version allowed to be swept are never listed. It can be repeated. `completeJoint`
 * writes the manifests of joint saves of which all parts are stored.
 */
export async function repairStore(
  context: StoreContext,
  options: RepairOptions,
  completeJoint?: CompleteJoint,
): Promise<RepairReport> {
  const marker = await readMarker(context.backend, options.signal)
  const ownFences = new Set<number>()
  for (let races = 0; races <= maxRaces; races += 1) {
    const report = await repairOnce(context, { marker, ownFences }, options.signal, completeJoint)
    if (report !== undefined) return report
    await context.environment.pause(pauseAfterRace, options.signal)
  }
  throw new HoldfastError(
    'UNAVAILABLE',
    `The repair lost ${maxRaces} races against running writers. Stop them, or try again.`,
    { url: context.backend.url },
  )
}

/** What a repair knows before it reads the catalog. */
interface Begun {
  readonly marker: FoundMarker
  /** The fences that this repair has created, because it found that versions are lost. */
  readonly ownFences: Set<number>
}

/** Returns `undefined` if a writer has committed in the meantime. Then the repair starts again. */
async function repairOnce(
  context: StoreContext,
  begun: Begun,
  signal: AbortSignal | undefined,
  completeJoint: CompleteJoint | undefined,
): Promise<RepairReport | undefined> {
  const { log, events } = context
  const survey = await surveyStore(context, begun, signal, completeJoint)
  const { change, report, pinnedSeveralTimes } = planRebuild(survey)
  if (change === undefined) {
    if (report.markerRewritten) await ensureMarker(context, signal)
    return { ...report, version: undefined }
  }
  const { catalog, damaged, newestVersion } = survey
  refuseRunning(
    context,
    catalog,
    damaged.some(({ version }) => version > catalog.version),
  )
  await ensureMarker(context, signal)
  const committed = await log.commitAfter(newestVersion, catalog, change, signal)
  if (committed === undefined) return undefined
  const { version, checkpoints } = committed.catalog
  events.emit('rebuilt', {
    version,
    checkpoints: checkpoints.length,
    pinned: report.pinned,
    pinnedSeveralTimes,
    reason: whyRebuilt(survey),
  })
  return { ...report, version }
}

/** Returns a sentence that says why the catalog could not be used; `undefined` if it was undamaged. */
function whyRebuilt({ damaged, ownFences, catalog }: Survey): string | undefined {
  if (ownFences.size === 0) return damaged[0]?.reason
  return `${catalog.version === 0 ? 'All' : 'The newest'} versions of the catalog are lost.`
}

/** Reads all that decides what is listed again. */
async function surveyStore(
  context: StoreContext,
  { marker, ownFences }: Begun,
  signal: AbortSignal | undefined,
  completeJoint: CompleteJoint | undefined,
): Promise<Survey> {
  const { backend, environment } = context
  const readable = await readableAfterFence(context, ownFences, signal)
  const { catalog, lost } = readable
  await completeJoint?.(readable, signal)
  const at = environment.now().toISOString()
  const term = await latestTerm(backend, catalog, signal)
  const unlisted = await unlistedWholes(backend, catalog, lost, signal)
  const rewinds = committedRewinds(await foundRewinds(backend, signal), catalog, unlisted)
  const lists = withRewinds(catalog, unlisted, rewinds)
  return {
    ...readable,
    ownFences,
    at,
    term,
    unlisted,
    lists,
    listable: await separateWhole(context, [...lists.listed, ...lists.recovered], signal),
    abandoned: await separateWhole(context, lists.abandoned, signal),
    verifiedNow: await verifiedAgain(context, catalog, lists.quarantined, signal),
    marker: marker.kind,
  }
}

/**
 * Returns the newest readable version. If later versions are lost, creates a fence above them before it reads. After that, no
 * writer that knows a lost version can acknowledge a commit that this read misses.
 */
async function readableAfterFence(
  context: StoreContext,
  ownFences: Set<number>,
  signal: AbortSignal | undefined,
): Promise<ReadableCatalog> {
  const { backend, log } = context
  for (;;) {
    const readable = await newestReadable(log, signal)
    const named = await highestNamedVersion(backend, signal)
    const { catalog, newestVersion } = readable
    const isSound = newestVersion > 0 && catalog.version === newestVersion
    const isBroken = isSound && (await log.hasGap(catalog, signal))
    if (named <= newestVersion && !isBroken) return readable
    // Another writer may have committed between the two lists.
    if (!isBroken && (await log.newestListed(named, signal)) !== undefined) continue
    // A manifest or a rewind of a newer version of Holdfast stops the repair before it writes the fence.
    await unlistedWholes(backend, readable.catalog, readable.lost, signal)
    await foundRewinds(backend, signal)
    await ensureMarker(context, signal)
    const fence = versionAbove(Math.max(named, newestVersion), backend.url)
    ownFences.add(fence)
    await log.fence(fence)
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
