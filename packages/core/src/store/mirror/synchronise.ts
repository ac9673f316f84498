import type { AttemptId, CatalogEntry, Owner } from '../../catalog/documents/index.ts'
import type { WholeCatalog } from '../../catalog/pages/index.ts'
import { HoldfastError } from '../../errors.ts'
import { compareSaves } from '../../order-key.ts'
import { missingMetrics } from '../copy/copied-metrics.ts'
import { slotsForObjects } from '../copy/copies-at-once.ts'
import { copyPlanned, knownCorrupt } from '../copy/copy-all.ts'
import { followRewinds } from '../copy/follow-rewinds.ts'
import { originOf } from '../copy/identity.ts'
import type { CopyOutcome } from '../copy/options.ts'
import type { CopySide } from '../copy/plan-copies.ts'
import { outcomeOf } from '../copy/planned-outcome.ts'
import { prepareDestination } from '../copy/prepare-destination.ts'
import type { CopyDestination, CopySource } from '../copy/sides.ts'
import { CopyTries } from '../copy/tries.ts'
import type { MirrorConnection } from './connection.ts'
import { type LocalStore, sideOf } from './local-side.ts'
import { maxBehindOf } from './options.ts'
import { type Ownership, ownershipOf } from './ownership.ts'
import { type CopyToMake, type MirrorPlan, planMirror } from './plan.ts'

/** How one round ended. */
export type RoundEnd =
  /** The mirror has all that it keeps, except what was refused. `plan` is the last one; `undefined` if the store has nothing. */
  | { readonly kind: 'up to date'; readonly plan: MirrorPlan | undefined }
  /** Another store owns the mirror. */
  | { readonly kind: 'fenced'; readonly error: HoldfastError }

/** What a round needs to know while it runs. */
export interface RoundTerms {
  readonly signal: AbortSignal
  /** Whether the latest checkpoint is copied first, because there may be no time for all. */
  readonly newestFirst: () => boolean
  /** Checkpoints that failed in this round, with their errors. */
  readonly refused: Map<AttemptId, HoldfastError>
  /** Checkpoints that this round does not look at again. */
  readonly passed: Set<AttemptId>
  /** Milliseconds in which a checkpoint that is corrupt in the store is not read again. */
  readonly retryCorruptAfter: number
  readonly onProgress: (progress: {
    readonly step: number
    readonly bytes: number
    readonly total: number
  }) => void
  /** Called for each checkpoint that is copied, or that fails. */
  readonly onOutcome?: ((outcome: CopyOutcome, entry: CatalogEntry) => void) | undefined
}

/**
 * Brings a mirror up to date: copies checkpoints one after the other, and what its copies lack. It looks at both stores again
 * after each checkpoint, because the run goes on.
 */
export async function synchronise(
  local: LocalStore,
  mirror: MirrorConnection,
  terms: RoundTerms,
): Promise<RoundEnd> {
  const { signal, newestFirst, passed } = terms
  for (;;) {
    const ours = await sideOf(local.context, signal)
    const { id } = ours
    if (id === undefined || ours.catalog.version === 0) return { kind: 'up to date', plan: undefined }
    const destination = await writerFor({ id, catalog: ours.catalog }, local, mirror, signal)
    if (destination instanceof HoldfastError) return { kind: 'fenced', error: destination }
    const source: CopySide = { id, catalog: ours.catalog }
    passOverCorrupt(source, destination, terms)
    const prepared = await prepareDestination(destination, source, { signal })
    const { side: theirs } = await followRewinds(local, source, destination, prepared, { signal })
    const plan = planMirror(source, theirs, passed, {
      keeping: destination.context.keeping,
      present: { now: local.context.environment.now() },
    })
    await update(source, theirs, destination, plan, signal)
    const next = newestFirst() ? plan.copies.at(-1) : plan.copies[0]
    await record(local, mirror, source, theirs, plan, signal)
    if (next === undefined) return { kind: 'up to date', plan }
    await copyNext(local, source, destination, next, terms)
  }
}

/** Returns why a store may not write to its mirror; `undefined` if it may. Writes nothing. */
export async function whyFenced(
  ours: CopySide,
  local: LocalStore,
  mirror: MirrorConnection,
  signal: AbortSignal | undefined,
): Promise<HoldfastError | undefined> {
  const { ownership } = await decideOwner(ours, local, mirror, signal)
  return ownership.kind === 'fenced' ? fencedError(ownership, mirror) : undefined
}

/** Decides who may write to the mirror. Rejects with `INVALID_ARGUMENT` if the mirror is the store itself. */
async function decideOwner(
  ours: CopySide,
  local: LocalStore,
  mirror: MirrorConnection,
  signal: AbortSignal | undefined,
): Promise<{ readonly ownership: Ownership; readonly owner: Owner | null }> {
  const theirs = await mirror.side(signal)
  const { url } = mirror.backend
  if (theirs.id === ours.id && (await isSamePlace(local, mirror, signal)))
    throw new HoldfastError(
      'INVALID_ARGUMENT',
      `${url} is the store itself. Name another place for the mirror.`,
      { url },
    )
  const { owner } = theirs.catalog
  const decided = (catalog: WholeCatalog): Ownership =>
    ownershipOf({
      local: { id: ours.id, catalog },
      mirror: theirs,
      recorded: catalog.mirror,
      takeOver: mirror.mayForce(owner, ours.id),
    })
  const ownership = decided(ours.catalog)
  if (ownership.kind !== 'fenced') return { ownership, owner }
  // Another process of the store may have saved and copied after this one read the store.
  const now = await sideOf(local.context, signal)
  return { ownership: now.id === ours.id ? decided(now.catalog) : ownership, owner }
}

function fencedError(
  { why, hint }: Extract<Ownership, { readonly kind: 'fenced' }>,
  { backend: { url } }: MirrorConnection,
): HoldfastError {
  return new HoldfastError('FENCED', `${why} Nothing is copied to ${url}.`, { url, hint })
}

/** Returns the mirror as a destination, or why this store may not write to it. */
export async function writerFor(
  ours: CopySide,
  local: LocalStore,
  mirror: MirrorConnection,
  signal: AbortSignal | undefined,
): Promise<CopyDestination | HoldfastError> {
  const { ownership, owner } = await decideOwner(ours, local, mirror, signal)
  const { url } = mirror.backend
  if (ownership.kind === 'fenced') {
    mirror.forgetWriter()
    return fencedError(ownership, mirror)
  }
  if (ownership.kind === 'owner') {
    mirror.noteOwned()
    return mirror.writer(ours.id)
  }
  mirror.forgetWriter()
  // A process that dies after the takeover must not forget that it owned the mirror.
  await local.context.log.commit(
    {
      kind: 'record mirror',
      place: url,
      maxBehind: maxBehindOf(mirror.options),
      owner: ours.id,
      takingFrom: owner?.id,
      settled: [],
    },
    signal,
  )
  const destination = mirror.writer(ours.id, owner?.id)
  await destination.access.readyToSave(signal)
  mirror.noteOwned()
  return destination
}

async function isSamePlace(
  local: LocalStore,
  mirror: MirrorConnection,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  return (await local.context.backend.place({ signal })) === (await mirror.backend.place({ signal }))
}

/** Passes over checkpoints that were found corrupt in the store not long ago. Each would be read completely again. */
function passOverCorrupt(
  { id, catalog }: CopySide,
  destination: CopyDestination,
  { passed, refused, retryCorruptAfter, onOutcome }: RoundTerms,
): void {
  for (const entry of catalog.checkpoints.all) {
    if (passed.has(entry.attempt)) continue
    const error = knownCorrupt(destination, originOf(entry, id), retryCorruptAfter)
    if (error === undefined) continue
    passed.add(entry.attempt)
    refused.set(entry.attempt, error)
    onOutcome?.(outcomeOf({ entry, step: entry.step }, { kind: 'failed', error }), entry)
  }
}

/** Brings late metrics, pins and order keys to the mirror. */
async function update(
  source: CopySide,
  theirs: CopySide,
  { context: { log } }: CopyDestination,
  { updates }: MirrorPlan,
  signal: AbortSignal,
): Promise<void> {
  if (updates.length > 0) await log.commit({ kind: 'update copies', updates }, signal)
  const lines = missingMetrics(source, theirs)
  if (lines.length > 0) await log.commit({ kind: 'add metrics', lines }, signal)
}

/** Records in the store how far the mirror is. What the mirror does not keep is settled only once nothing is left to copy. */
async function record(
  { context }: LocalStore,
  mirror: MirrorConnection,
  source: CopySide,
  theirs: CopySide,
  { copies, there, unwanted }: MirrorPlan,
  signal: AbortSignal,
): Promise<void> {
  const { mirror: recorded, checkpoints } = source.catalog
  const waiting = recorded?.waiting ?? []
  const listed = new Set(checkpoints.all.map(({ attempt }) => attempt))
  const done = new Set([...there, ...(copies.length === 0 ? unwanted : [])])
  const settled = waiting.filter((attempt) => done.has(attempt) || !listed.has(attempt))
  const newest = newestMirrored(source, theirs)
  const isKnown =
    recorded?.owner === source.id &&
    recorded.failure === undefined &&
    recorded.takingFrom === undefined &&
    recorded.store === theirs.id &&
    recorded.newest?.step === newest?.step &&
    recorded.newest?.savedAt === newest?.savedAt
  if (isKnown && settled.length === 0) return
  const at = context.environment.now().toISOString()
  await context.log.commit(
    {
      kind: 'record mirror',
      place: mirror.backend.url,
      maxBehind: maxBehindOf(mirror.options),
      store: theirs.id,
      owner: source.id,
      settled,
      failure: 'none',
      ...(newest === undefined ? {} : { newest: { ...newest, at } }),
    },
    signal,
  )
}

/** The latest checkpoint of the store that the mirror has. */
function newestMirrored(
  { id, catalog }: CopySide,
  mirror: CopySide,
): { readonly step: number; readonly savedAt: string } | undefined {
  const there = new Set(
    mirror.catalog.checkpoints.all.map((entry) => {
      const { store, attempt } = originOf(entry, mirror.id)
      return `${store} ${attempt}`
    }),
  )
  const latest = catalog.checkpoints.all
    .filter((entry) => {
      const { store, attempt } = originOf(entry, id)
      return there.has(`${store} ${attempt}`)
    })
    .toSorted(compareSaves)
    .at(-1)
  return latest && { step: latest.step, savedAt: latest.savedAt }
}

async function copyNext(
  { context }: LocalStore,
  { id }: CopySide,
  destination: CopyDestination,
  next: CopyToMake,
  { signal, onProgress, onOutcome, refused, passed }: RoundTerms,
): Promise<void> {
  const source: CopySource = { context, id: () => Promise.resolve(id) }
  const tries = new CopyTries(destination.context)
  const options = { onExisting: 'replace', allowBest: true, signal, onProgress } as const
  const turn = { joins: false, comes: () => Promise.resolve() } // there is one copy at a time
  const slots = slotsForObjects(context.backend.capabilities, destination.context.backend.capabilities)
  const outcome = await copyPlanned(source, destination, next, options, { tries, slots, turn })
  destination.access.afterwards(() => tries.forget())
  onOutcome?.(outcome, next.entry)
  const { attempt } = next.entry
  if (outcome.kind !== 'copied') passed.add(attempt)
  if (outcome.kind === 'failed') {
    refused.set(attempt, outcome.error)
    context.events.emit('mirrorFailed', { error: outcome.error, retryIn: undefined })
  }
  if (outcome.kind !== 'copied') return
  const waiting = context.log.known?.mirror?.waiting.filter((each) => each !== attempt).length ?? 0
  context.events.emit('mirrored', { step: outcome.step, bytes: outcome.bytes, waiting })
}
