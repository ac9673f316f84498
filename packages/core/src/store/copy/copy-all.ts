import type { CatalogEntry, Origin } from '../../catalog/documents/index.ts'
import {
  type CheckpointChoice,
  chooseEntry,
  noCheckpointOfStep,
  quarantinedChoice,
  quarantinedError,
} from '../../catalog/judging/choose.ts'
import type { JudgedCatalog } from '../../catalog/judging/judged-catalog.ts'
import { inTurn } from '../../async/in-turn.ts'
import { durationSince } from '../../environment.ts'
import { HoldfastError, isHoldfastError } from '../../errors.ts'
import { compareSaves } from '../../order-key.ts'
import { wasDroppedMeanwhile } from '../attempts/dropped-meanwhile.ts'
import { verifiedManifest } from '../attempts/read-verified.ts'
import { refuseEarly } from '../attempts/refuse-early.ts'
import { judgedNow } from '../context/judged-now.ts'
import { mayCopyAtOnce, slotsForObjects } from './copies-at-once.ts'
import { type CopyCall, copyCheckpoint } from './copy-checkpoint.ts'
import { missingMetrics } from './copied-metrics.ts'
import { hasSameFiles, isSameOrigin, originOf } from './identity.ts'
import { followRewinds } from './follow-rewinds.ts'
import { type CopyOptions, type CopyOutcome, type CopyReport, retryCorruptAfterOf } from './options.ts'
import {
  type CopySide,
  type LineOfCopy,
  planCopies,
  type PlannedCopy,
  type WantedCopy,
} from './plan-copies.ts'
import { outcomeOf, plannedOutcome } from './planned-outcome.ts'
import { noStore, prepareDestination } from './prepare-destination.ts'
import { refuseOwned } from './refuse-owned.ts'
import type { CopyDestination, CopySource } from './sides.ts'
import { CopyTries } from './tries.ts'

/**
 * Copies checkpoints from one store into another. Several small ones are stored at once, and each is committed after those
 * before it. Each arrives completely or not at all. A checkpoint that is corrupt at the source, or that the destination
 * refuses, is reported, and the others are copied.
 */
export async function copyAll(
  source: CopySource,
  destination: CopyDestination,
  options: CopyOptions,
): Promise<CopyReport> {
  const from = await readSource(source, options.signal)
  await refuseSameStore(source, destination, options.signal)
  const wanted = wantedCopies(from.judged, options, source.context.backend.url)
  const prepared = await prepareDestination(destination, from.side, options)
  // Checkpoints that are named are copied, and nothing else changes.
  const { side: to, abandoned } =
    options.checkpoints === undefined
      ? await followRewinds(source, from.side, destination, prepared, options)
      : { side: prepared, abandoned: [] }
  const outcomes: CopyOutcome[] = []
  const report = (outcome: CopyOutcome): CopyOutcome => {
    outcomes.push(outcome)
    options.onOutcome?.(outcome)
    return outcome
  }
  let open: readonly WantedCopy[] = wanted.filter((each) => {
    const error = knownCorrupt(destination, originOf(each.entry, from.side.id), retryCorruptAfterOf(options))
    if (error !== undefined) report(outcomeOf(each, { kind: 'failed', error }))
    return error === undefined
  })
  for (let side = to; ; side = await sideNow(destination, side, options)) {
    const plan = planCopies(from.side, side, open, {
      keeping: destination.context.keeping,
      present: { now: destination.context.environment.now() },
      pins: options.pins === true,
    })
    let hasFailed = false
    for await (const outcome of copyInOrder(source, destination, side, plan, options))
      hasFailed = report(outcome).kind === 'failed' || hasFailed
    const skipped = plan.filter((each) => each.kind === 'skipped')
    if (!hasFailed || skipped.length === 0) {
      for (const each of skipped) report(plannedOutcome(each))
      break
    }
    // A checkpoint that could not be copied does not count, so the destination may keep another one in its place.
    open = skipped.map(({ entry, step }) => ({ entry, step }))
  }
  const metricsOfSteps = await copyMetrics(destination, from.side, options)
  return { outcomes, metricsOfSteps, abandonedSteps: abandoned }
}

/** Returns the error of a checkpoint that an earlier copy of this process found corrupt at the source not long ago. */
export function knownCorrupt(
  { corrupt, context }: CopyDestination,
  origin: Origin,
  within: number,
): HoldfastError | undefined {
  return corrupt.foundWithin(within, origin, context.environment.now())
}

/** Returns the destination after some copies. A dry run copies nothing. */
async function sideNow(
  { context }: CopyDestination,
  side: CopySide,
  { dryRun, signal }: CopyOptions,
): Promise<CopySide> {
  return dryRun === true ? side : { ...side, catalog: await context.log.whole(signal) }
}

/** Brings the planned checkpoints that are not skipped to the destination, and yields their outcomes in the order of the plan. */
async function* copyInOrder(
  source: CopySource,
  destination: CopyDestination,
  { catalog }: CopySide,
  plan: readonly PlannedCopy[],
  options: CopyOptions,
): AsyncGenerator<CopyOutcome, void, undefined> {
  const { access, context } = destination
  const tries = new CopyTries(context)
  const slots = slotsForObjects(source.context.backend.capabilities, context.backend.capabilities)
  const assumed = options.dryRun === true ? catalog : undefined
  try {
    yield* inTurn(
      plan.filter((planned) => planned.kind !== 'skipped'),
      (running, next) =>
        mayCopyAtOnce(context.backend.capabilities, running.map(bytesToCopy), bytesToCopy(next)),
      options.signal,
      async (planned, turn) => {
        const own = { ...options, signal: turn.signal }
        if (planned.kind === 'copy')
          return copyPlanned(source, destination, planned, own, { tries, slots, turn, assumed })
        await turn.comes()
        return updateCopy(destination, planned, own)
      },
    )
  } finally {
    access.afterwards(() => tries.forget())
  }
}

function bytesToCopy({ kind, entry }: PlannedCopy): number {
  return kind === 'copy' ? entry.bytes : 0
}

interface Source {
  readonly side: CopySide
  readonly judged: JudgedCatalog
}

async function readSource({ context, id }: CopySource, signal: AbortSignal | undefined): Promise<Source> {
  const catalog = await context.log.whole(signal)
  if (catalog.version === 0) throw nothingToCopy(context.backend.url)
  return { side: { id: await id(signal), catalog }, judged: judgedNow(context, catalog) }
}

/** Checkpoints by choice, or all of the source in the order in which they were saved. */
function wantedCopies(
  judged: JudgedCatalog,
  { checkpoints, toStep }: CopyOptions,
  url: string,
): readonly WantedCopy[] {
  const entries =
    checkpoints === undefined
      ? judged.whole.checkpoints.all.toSorted(compareSaves)
      : checkpoints.map((choice) => chosen(judged, choice, url))
  return [...new Set(entries)].map((entry) => ({ entry, step: toStep ?? entry.step }))
}

function chosen(judged: JudgedCatalog, choice: CheckpointChoice, url: string): CatalogEntry {
  const entry = chooseEntry(judged, choice)
  if (entry !== undefined) return entry
  const aside = quarantinedChoice(judged.catalog, choice)
  if (aside !== undefined) throw quarantinedError(aside, url)
  const why = typeof choice === 'number' ? noCheckpointOfStep(choice) : `No checkpoint is ${choice}.`
  throw new HoldfastError('NOT_FOUND', why, { url, hint: { kind: 'list' } })
}

/** Adds to a copy what its original got after it was copied. */
async function updateCopy(
  { context }: CopyDestination,
  planned: Extract<PlannedCopy, { kind: 'there' }>,
  { dryRun = false, signal }: CopyOptions,
): Promise<CopyOutcome> {
  const { update } = planned
  if (update !== undefined && !dryRun)
    await context.log.commit({ kind: 'update copies', updates: [update] }, signal)
  return plannedOutcome(planned)
}

/** Copies one checkpoint. A failure that concerns only this checkpoint is its outcome. */
export async function copyPlanned(
  source: CopySource,
  destination: CopyDestination,
  planned: Extract<PlannedCopy, { kind: 'copy' }>,
  options: CopyOptions,
  call: CopyCall,
): Promise<CopyOutcome> {
  const { environment } = destination.context
  const { entry, line, existing } = planned
  const began = environment.now()
  using _ = source.context.restoring.protect(entry.attempt)
  try {
    const manifest = await verifiedManifest(source.context.backend, entry, options.signal)
    if (existing !== undefined && options.onExisting !== 'replace') {
      const other = await verifiedManifest(destination.context.backend, existing, options.signal)
      if (hasSameFiles(other, manifest)) return outcomeOf(planned, { kind: 'there' })
      throw occupied(destination, line.step)
    }
    await refuseCopyEarly(destination, line.step, options, call)
    if (options.dryRun === true) return plannedOutcome(planned)
    const { bytesBefore, dropped } = await copyCheckpoint(
      source,
      destination,
      { manifest, line },
      options,
      call,
    )
    const duration = durationSince(environment, began)
    const names = dropped.map(({ step, because }) => ({ step, because }))
    return outcomeOf(planned, { kind: 'copied', bytesBefore, duration, dropped: names })
  } catch (error) {
    if (!concernsOnlyOne(error, source)) throw error
    if (error.code === 'ALREADY_EXISTS' && (await wasCopiedMeanwhile(destination, line, options.signal)))
      return outcomeOf(planned, { kind: 'there' })
    if (error.code === 'CORRUPT' && (await wasDroppedMeanwhile(source.context, entry, options.signal)))
      return outcomeOf(planned, { kind: 'skipped', because: 'the source dropped it during the copy' })
    if (error.code === 'CORRUPT') destination.corrupt.note(line.origin, error, environment.now())
    return outcomeOf(planned, { kind: 'failed', error })
  }
}

/** Whether another copier has committed the same checkpoint since this one read the catalog. */
async function wasCopiedMeanwhile(
  { context, id }: CopyDestination,
  { step, origin }: LineOfCopy,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const existing = (await context.log.whole(signal)).checkpoints.get(step)
  return existing !== undefined && isSameOrigin(originOf(existing, (await id(signal)) ?? noStore), origin)
}

/**
 * Refuses before a byte is stored what the commit would refuse. A copy that joins others uses the version that their commits have
 * read, which saves a request.
 */
async function refuseCopyEarly(
  { context }: CopyDestination,
  step: number,
  { onExisting = 'fail', allowBest, dryRun, signal }: CopyOptions,
  { turn, assumed }: CopyCall,
): Promise<void> {
  const { log } = context
  const known = turn.joins ? log.known : undefined
  const newest = assumed ?? (await log.wholeOf(known ?? (await log.newest(signal)), signal))
  refuseOwned(context, newest, { dryRun })
  await refuseEarly(context, newest, { step, onExisting, allowBest, signal })
}

/** Returns whether a failure affects only this checkpoint: it is corrupt at the source, or the destination refuses it. */
function concernsOnlyOne(error: unknown, { context }: CopySource): error is HoldfastError {
  if (isHoldfastError(error, 'CORRUPT')) return error.url === context.backend.url
  return isHoldfastError(error, 'ALREADY_EXISTS', 'INVALID_ARGUMENT')
}

/** Copies metrics of deleted checkpoints, if that is requested. Returns their steps. */
async function copyMetrics(
  { context, id }: CopyDestination,
  source: CopySide,
  { metrics = false, dryRun = false, signal }: CopyOptions,
): Promise<readonly number[]> {
  if (!metrics) return []
  const destination = { id: (await id(signal)) ?? noStore, catalog: await context.log.whole(signal) }
  const lines = missingMetrics(source, destination)
  if (lines.length > 0 && !dryRun) await context.log.commit({ kind: 'add metrics', lines }, signal)
  return lines.map(({ step }) => step)
}

async function refuseSameStore(
  source: CopySource,
  destination: CopyDestination,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { backend } = destination.context
  const [from, to] = [source.context.backend, backend]
  // A store that was cloned has the same id at another place.
  if ((await from.place({ signal })) !== (await to.place({ signal }))) return
  if ((await source.id(signal)) !== (await destination.id(signal))) return
  throw new HoldfastError(
    'INVALID_ARGUMENT',
    `${backend.url} is the source and the destination of the copy. Name two stores.`,
    { url: backend.url },
  )
}

function nothingToCopy(url: string): HoldfastError {
  return new HoldfastError('NOT_FOUND', `There is no checkpoint in ${url}, so nothing can be copied.`, {
    url,
    hint: { kind: 'check-location' },
  })
}

function occupied({ context }: CopyDestination, step: number): HoldfastError {
  return new HoldfastError('ALREADY_EXISTS', `The destination has a different checkpoint of step ${step}.`, {
    url: context.backend.url,
    hint: { kind: 'copy-elsewhere' },
  })
}
