import { HoldfastError, isHoldfastError, messageOf } from '../../errors.ts'
import { contentsOf, factsOf } from '../../catalog/judging/checkpoint.ts'
import type { Finding } from '../../catalog/commit/changes/index.ts'
import type { StoreContext } from '../context.ts'
import type { RunRestore } from '../run-line.ts'
import { judgedNow } from '../judged-now.ts'
import { recorded, type Recording } from '../recording.ts'
import type { AttemptId, CatalogEntry } from '../../catalog/documents/index.ts'
import type { PagedCatalog } from '../../catalog/pages/index.ts'
import { isCatalogLost } from '../../catalog/commit/lost-catalog.ts'
import { newestReadable } from '../../catalog/commit/newest-readable.ts'
import { wasDroppedMeanwhile } from '../attempts/dropped-meanwhile.ts'
import { catalogFor } from '../../catalog/commit/catalog-for.ts'
import {
  type CheckpointChoice,
  chooseEntry,
  continuedFrom,
  latestBefore,
  quarantinedChoice,
  noCheckpointOfStep,
  quarantinedError,
} from '../../catalog/judging/choose.ts'
import { AttemptReader } from '../attempts/packs/attempt-reader.ts'
import { payloadReader } from '../attempts/payload-reader.ts'
import { verifiedManifest } from '../attempts/read-verified.ts'
import type { PassedOver, Restored, RestoreOptions } from './result.ts'
import { triedTooOften } from './tried-too-often.ts'
import { wantedFiles } from './wanted-files.ts'

/** The changes to the store that a restore may request. */
export interface RestoreUpkeep {
  /** Quarantines a corrupt checkpoint, or returns why it could not. */
  readonly quarantine: (finding: Finding) => Promise<Recording>
  /** Rebuilds a lost catalog. */
  readonly repair: (signal: AbortSignal | undefined) => Promise<unknown>
  /** Returns how often a checkpoint was restored without a later save. Default: what the catalog that lists it says. */
  readonly triesOf?: ((entry: CatalogEntry) => Promise<number>) | undefined
  /** Counts a restore. Returns to the checkpoint first if later ones were restored too often. */
  readonly count: (entry: CatalogEntry, stepsBack: boolean) => Promise<void>
}

/** Delivers a corrupt checkpoint from another place. Returns `undefined` if no other place has it. */
export type Elsewhere = (corrupt: CatalogEntry, reason: string) => Promise<DeliveredCheckpoint | undefined>

export type DeliveredCheckpoint = Omit<Restored, 'passedOver' | 'damagedCatalogs'>

/**
 * Restores a checkpoint: reads the catalog, chooses an entry, and reads the manifest and the files. The catalog
 * verifies the manifest, and the manifest verifies the files. With `fallback`, quarantines a corrupt checkpoint and
 * chooses the next older one. Returns `undefined` if there is no checkpoint to choose.
 */
export async function restoreCheckpoint(
  context: StoreContext,
  choice: CheckpointChoice,
  options: RestoreOptions,
  upkeep: RestoreUpkeep,
  elsewhere?: Elsewhere,
): Promise<Restored | undefined> {
  const at = context.environment.now()
  const passedOver: PassedOver[] = []
  const avoided = new Set<string>()
  /** The requested checkpoint, if it was passed over. */
  let first: CatalogEntry | undefined
  /** The corrupt checkpoint that was passed over last. */
  let tried: CatalogEntry | undefined
  for (;;) {
    // After a corrupt checkpoint, any other may be chosen, so all lines are needed.
    const { catalog, damaged } = await readCatalog(
      context,
      avoided.size === 0 ? choice : 'any',
      options,
      upkeep,
    )
    const entry = chooseEntry(judgedNow(context, catalog), choice, ({ attempt }) => !avoided.has(attempt))
    const aside = quarantinedChoice(catalog, choice)
    if (aside !== undefined && !avoided.has(aside.entry.attempt)) {
      if (options.fallback !== true) throw quarantinedError(aside, context.backend.url)
      avoided.add(aside.entry.attempt)
      tried = aside.entry
      first ??= aside.entry
      passedOver.push({ step: aside.entry.step, reason: aside.reason, quarantined: recorded })
      continue // an older checkpoint may be in a page that was not read
    }
    const isOffered = ({ attempt }: CatalogEntry): boolean => !avoided.has(attempt)
    const isByStep = typeof choice === 'number'
    const inLine = isByStep || choice === 'latest' ? continuedFrom(catalog, tried, isOffered) : undefined
    const candidate =
      inLine ?? entry ?? (isByStep && first ? latestBefore(catalog, first, isOffered) : undefined)
    if (candidate === undefined) {
      refuseNothing(choice, passedOver, damaged)
      if (choice === 'latest') refuseAbandoned(catalog)
      return undefined
    }
    const tries =
      options.maxTries === undefined
        ? 0
        : ((await upkeep.triesOf?.(candidate)) ?? triesIn(catalog, candidate.attempt))
    if (options.maxTries !== undefined && tries >= options.maxTries) {
      avoided.add(candidate.attempt)
      tried = candidate
      passedOver.push(triedTooOften({ step: candidate.step, tries }))
      continue
    }
    using _ = context.restoring.protect(candidate.attempt)
    try {
      if (options.maxTries !== undefined)
        await upkeep.count(
          candidate,
          passedOver.some((each) => each.tries !== undefined),
        )
      const delivered = await deliver(context, candidate, options)
      context.line.continueFrom(candidate, timeSince(context, at))
      return { ...delivered, passedOver, damagedCatalogs: damaged }
    } catch (error) {
      if (!isHoldfastError(error, 'CORRUPT')) throw error
      if (damaged.length === 0 && (await wasDroppedMeanwhile(context, candidate, options.signal))) continue
      const reason = messageOf(error)
      const copy = await elsewhere?.(candidate, reason)
      if (options.fallback !== true && copy === undefined) throw corruptCheckpoint(candidate, error)
      if (copy !== undefined) {
        if (options.fallback === true)
          await upkeep.quarantine({ step: candidate.step, attempt: candidate.attempt, reason })
        context.line.continueFrom(candidate, timeSince(context, at))
        return { ...copy, passedOver, damagedCatalogs: damaged }
      }
      avoided.add(candidate.attempt)
      tried = candidate
      first ??= candidate
      const quarantined = await upkeep.quarantine({
        step: candidate.step,
        attempt: candidate.attempt,
        reason,
      })
      passedOver.push({ step: candidate.step, reason, quarantined })
    }
  }
}

/** A clock that was set back gives no negative duration. */
function timeSince({ environment }: StoreContext, at: Date): Pick<RunRestore, 'at' | 'duration'> {
  return { at, duration: Math.max(0, environment.now().getTime() - at.getTime()) }
}

/** Returns how often a checkpoint was restored without a later save, by a version of the catalog. */
export function triesIn({ tries = [] }: PagedCatalog, attempt: AttemptId): number {
  return tries.find((each) => each.attempt === attempt)?.count ?? 0
}

async function readCatalog(
  context: StoreContext,
  choice: CheckpointChoice | 'any',
  { fallback, signal }: RestoreOptions,
  { repair }: RestoreUpkeep,
): Promise<{ readonly catalog: PagedCatalog; readonly damaged: Restored['damagedCatalogs'] }> {
  const { log } = context
  const read = (): Promise<PagedCatalog> =>
    choice === 'any' ? log.whole(signal) : catalogFor(log, choice, signal)
  try {
    return { catalog: await read(), damaged: [] }
  } catch (error) {
    if (fallback !== true || !isHoldfastError(error, 'CORRUPT')) throw error
  }
  if (!(await isCatalogLost(context, signal))) return newestReadable(log, signal)
  await repair(signal)
  return { catalog: await read(), damaged: [] }
}

/** Delivers one checkpoint. `beforeExchange` is called once every file is verified. If it rejects, nothing is delivered. */
export async function deliver(
  context: StoreContext,
  entry: CatalogEntry,
  options: RestoreOptions,
  beforeExchange?: () => Promise<void>,
): Promise<DeliveredCheckpoint> {
  const manifest = await verifiedManifest(context.backend, entry, options.signal)
  const files = await wantedFiles(manifest, options.files)
  const total = files.reduce((sum, { size }) => sum + size, 0)
  await using reader = new AttemptReader(payloadReader(context), entry.attempt, files)
  const { paths, others } = await context.environment.deliver(
    options.to,
    files.map((file) => ({
      name: file.name,
      size: file.size,
      sha256: file.sha256,
      mode: file.mode,
      open: (signal, look) => reader.open(file, signal, look),
    })),
    {
      signal: options.signal,
      storeRoot: context.backend.capabilities.localRoot,
      beforeExchange,
      others: options.files !== undefined ? 'ignore' : options.exact === true ? 'remove' : 'report',
      onProgress: (bytes) => {
        options.onProgress?.({ bytes, total })
      },
    },
  )
  return {
    ...factsOf(entry),
    ...contentsOf(manifest),
    otherFiles: others,
    restored: files.map(({ name, size, sha256 }, index) => ({
      name,
      path: paths[index] ?? '',
      size,
      sha256,
    })),
  }
}

function refuseNothing(
  choice: CheckpointChoice,
  passedOver: readonly PassedOver[],
  damaged: Restored['damagedCatalogs'],
): void {
  if (passedOver.length > 0) {
    const steps = passedOver.map(({ step }) => step).join(', ')
    throw new HoldfastError(
      'CORRUPT',
      passedOver.some(({ tries }) => tries !== undefined)
        ? `No checkpoint is left: each is corrupt or was restored too often without a later save (${steps}).`
        : `No good checkpoint is left: all that were tried are corrupt (${steps}).`,
    )
  }
  const [worst] = damaged
  if (worst !== undefined) {
    throw new HoldfastError(
      'CORRUPT',
      `The readable part of the catalog has no checkpoint ${choice}: version ${worst.version} is damaged (${worst.reason}).`,
      { hint: { kind: 'repair' } },
    )
  }
  if (typeof choice !== 'number') return
  throw new HoldfastError('NOT_FOUND', noCheckpointOfStep(choice), { hint: { kind: 'list' } })
}

/** A store that has only what rewinds abandoned is not a fresh one. */
function refuseAbandoned({ abandoned = [] }: PagedCatalog): void {
  if (abandoned.length === 0) return
  const steps = abandoned.map(({ step }) => step).join(', ')
  throw new HoldfastError(
    'CORRUPT',
    `No good checkpoint is left: rewinds abandoned all that remain (${steps}). Restore one by its number.`,
    { hint: { kind: 'list' } },
  )
}

function corruptCheckpoint({ step }: CatalogEntry, cause: HoldfastError): HoldfastError {
  return new HoldfastError(
    'CORRUPT',
    `Step ${step} is corrupt: ${messageOf(cause)}. Nothing was delivered.`,
    { key: cause.key, url: cause.url, cause, hint: { kind: 'restore-with-fallback' } },
  )
}
