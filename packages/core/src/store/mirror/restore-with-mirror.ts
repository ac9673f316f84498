import type { AttemptId, CatalogEntry } from '../../catalog/documents/index.ts'
import type { CheckpointChoice } from '../../catalog/judging/choose.ts'
import { type HoldfastError, isHoldfastError, messageOf } from '../../errors.ts'
import type { StoreContext } from '../context/context.ts'
import { isSameOrigin, originOf } from '../copy/identity.ts'
import { restoreCheckpoint } from '../restore/restore.ts'
import type { Restored, RestoreOptions } from '../restore/result.ts'
import { triesIn } from '../restore/tried-too-often.ts'
import { tryToDeliver } from '../restore/try-to-deliver.ts'
import type { Elsewhere, RestoreUpkeep } from '../restore/try-to-restore.ts'
import {
  type BothSides,
  lookAtBoth,
  lookAtMirror,
  nothingToContinue,
  offers,
  readableOf,
} from './both-sides.ts'
import type { SideName } from './choose-side.ts'
import type { MirrorConnection } from './connection.ts'
import { continueFromMirror } from './continue-from-mirror.ts'
import type { Side } from './continuation.ts'
import type { LocalStore } from './local-side.ts'
import { HeldReading } from './held-reading.ts'

/** A restore from a store and its mirror, once both were read. */
interface MirroredRestore {
  readonly local: LocalStore
  readonly mirror: MirrorConnection
  readonly sides: BothSides
  readonly choice: CheckpointChoice
  readonly options: RestoreOptions
  readonly upkeep: RestoreUpkeep
}

/** The result of a restore from one side. */
type SideResult =
  | { readonly kind: 'restored'; readonly restored: Restored }
  /** The side has no checkpoint to choose, or `failure` says that the chosen one is corrupt or missing. */
  | { readonly kind: 'nothing'; readonly failure: HoldfastError | undefined }

/**
 * Restores from a store that has a mirror. The store is used, unless the mirror is ahead of it. A checkpoint that is corrupt on
 * one side is delivered from the other side if that has it. What one side does not have is looked for in the other. Rejects with
 * `UNAVAILABLE` if the store does not have it and the mirror cannot be read.
 */
export async function restoreWithMirror(
  local: LocalStore,
  mirror: MirrorConnection,
  choice: CheckpointChoice,
  options: RestoreOptions,
  upkeep: RestoreUpkeep,
): Promise<Restored | undefined> {
  const { signal, mirrorReading } = options
  const known =
    HeldReading.stateOf(mirrorReading) ?? (await lookAtMirror(local.context, mirror, choice, signal))
  const sides = await lookAtBoth(local.context, mirror, known, signal)
  const { chosen } = sides
  const unread =
    sides.mirror.kind === 'unusable'
      ? nothingToContinue(choice, mirror.backend.url, sides.mirror.why)
      : undefined
  // What is damaged may be repaired, and then has checkpoints.
  if (unread !== undefined && sides.local.kind === 'readable' && !offers(sides.local.side, choice))
    throw unread
  const restore: MirroredRestore = { local, mirror, sides, choice, options, upkeep }
  report(restore, chosen.from, chosen.why)
  if (chosen.from === 'mirror' && sides.mirror.kind === 'readable')
    await continueFromMirror(local, sides.mirror.side, chosen)
  const first = await restoreFrom(restore, chosen.from, chosen.why)
  if (first.kind === 'restored') return first.restored
  // The latest of the other side would be an older one.
  const mustBeLatest = choice === 'latest' && options.fallback !== true
  if (first.failure !== undefined && (unread !== undefined || mustBeLatest)) throw first.failure
  if (unread !== undefined) throw unread
  const other = otherThan(chosen.from)
  const why =
    first.failure === undefined ? `The ${chosen.from} has no such checkpoint.` : messageOf(first.failure)
  const second = await restoreFrom(restore, other, why)
  if (second.kind === 'restored') {
    report(restore, other, why)
    return second.restored
  }
  const failure = first.failure ?? second.failure
  if (failure !== undefined) throw failure
  return undefined
}

/** Restores from one side. A checkpoint that is corrupt there is delivered from the other side if that has it. */
async function restoreFrom(restore: MirroredRestore, from: SideName, why: string): Promise<SideResult> {
  const { local, choice, options, upkeep } = restore
  const context = contextOf(restore, from)
  const upkeepOfSide = from === 'store' ? upkeep : upkeepOfMirror(local, upkeep, options.signal)
  try {
    const restored = await restoreCheckpoint(
      context,
      choice,
      options,
      upkeepOfSide,
      copyOnOtherSide(restore, from),
    )
    if (restored === undefined) return { kind: 'nothing', failure: undefined }
    const source = restored.source ?? { from, url: context.backend.url, why }
    return { kind: 'restored', restored: { ...restored, source } }
  } catch (error) {
    if (!isHoldfastError(error, 'CORRUPT', 'NOT_FOUND')) throw error
    return { kind: 'nothing', failure: error }
  }
}

/** The mirror belongs to its writer. A restore changes nothing there, and the store counts the restores of its checkpoints. */
function upkeepOfMirror(
  { context }: LocalStore,
  { takeOver, count }: RestoreUpkeep,
  signal: AbortSignal | undefined,
): RestoreUpkeep {
  return {
    quarantine: () =>
      Promise.resolve({ kind: 'not recorded', because: 'a restore does not change the mirror' } as const),
    repair: () => Promise.reject(new Error('A restore does not repair a mirror')),
    takeOver,
    triesOf: async (copy) => triesIn(await context.log.newest(signal), attemptOfOriginal(copy)),
    // The store does not list the checkpoint, so it has nothing to go back to. Its next save is the latest in any case.
    count: (copy) => count({ ...copy, attempt: attemptOfOriginal(copy) }, 'stay'),
  }
}

/** A copy and its original count as one checkpoint, also after it was copied again. */
function attemptOfOriginal({ origin, attempt }: CatalogEntry): AttemptId {
  return origin?.attempt ?? attempt
}

/** Delivers a checkpoint that is corrupt on one side from the other side. Returns `undefined` if that does not have it. */
function copyOnOtherSide(restore: MirroredRestore, from: SideName): Elsewhere {
  const { sides, options } = restore
  const other = otherThan(from)
  const [side, otherSide] = [readableSide(sides, from), readableSide(sides, other)]
  const context = contextOf(restore, other)
  return async (corrupt, reason, count) => {
    if (side?.id === undefined || otherSide?.id === undefined) return undefined
    const origin = originOf(corrupt, side.id)
    const { id, catalog } = otherSide
    const entry = catalog.checkpoints.all.find((each) => isSameOrigin(originOf(each, id), origin))
    if (entry === undefined) return undefined
    const delivery = await tryToDeliver(context, entry, options, count, 'CORRUPT', 'UNAVAILABLE')
    if (delivery.kind === 'not verified') return undefined
    const why = `Step ${corrupt.step} is corrupt in the ${from}: ${reason}.`
    report(restore, other, why)
    return { ...delivery.checkpoint, source: { from: other, url: context.backend.url, why } }
  }
}

function report(restore: MirroredRestore, from: SideName, why: string): void {
  const { local, sides } = restore
  const { url } = contextOf(restore, from).backend
  local.context.events.emit('restoringFrom', {
    from,
    url,
    why,
    isMirrorRead: sides.mirror.kind === 'readable',
  })
}

function contextOf({ local, mirror }: MirroredRestore, side: SideName): StoreContext {
  return side === 'store' ? local.context : mirror.reader
}

function readableSide({ local, mirror }: BothSides, side: SideName): Side | undefined {
  if (side === 'store') return readableOf(local)
  return mirror.kind === 'readable' ? mirror.side : undefined
}

function otherThan(side: SideName): SideName {
  return side === 'store' ? 'mirror' : 'store'
}
