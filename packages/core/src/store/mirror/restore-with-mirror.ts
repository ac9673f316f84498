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
import type { ChosenSide } from './choose-side.ts'
import type { MirrorConnection } from './connection.ts'
import { continueFromMirror } from './continue-from-mirror.ts'
import type { Side } from './continuation.ts'
import type { LocalStore } from './local-side.ts'
import { ReadMirror } from './read-mirror.ts'

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
    ReadMirror.stateOf(mirrorReading) ?? (await lookAtMirror(local.context, mirror, choice, signal))
  const sides = await lookAtBoth(local.context, mirror, known, signal)
  const { ours, theirs, chosen } = sides
  const unread =
    theirs.kind === 'unusable' ? nothingToContinue(choice, mirror.backend.url, theirs.why) : undefined
  // What is damaged may be repaired, and then has checkpoints.
  if (unread !== undefined && ours.kind === 'readable' && !offers(ours.side, choice)) throw unread
  const places = { store: local.context, mirror: mirror.reader }
  const other = chosen.from === 'store' ? 'mirror' : 'store'
  const isMirrorRead = theirs.kind === 'readable'
  const report = (from: ChosenSide['from'], why: string): void => {
    local.context.events.emit('restoringFrom', { from, url: places[from].backend.url, why, isMirrorRead })
  }
  const restoreFrom = async (from: ChosenSide['from'], why: string): Promise<Restored | undefined> => {
    const elsewhere = from === 'store' ? 'mirror' : 'store'
    const deliverCopy =
      elsewhere === 'mirror' && theirs.kind === 'unusable'
        ? undefined
        : copyIn(places[elsewhere], sides, from, options, report)
    const restored = await restoreCheckpoint(
      places[from],
      choice,
      options,
      from === 'store' ? upkeep : upkeepOfMirror(local, upkeep, signal),
      deliverCopy,
    )
    if (restored === undefined) return undefined
    return { ...restored, source: restored.source ?? { from, url: places[from].backend.url, why } }
  }
  report(chosen.from, chosen.why)
  if (chosen.from === 'mirror' && theirs.kind === 'readable')
    await continueFromMirror(local, theirs.side, chosen)
  let failure: HoldfastError | undefined
  try {
    const restored = await restoreFrom(chosen.from, chosen.why)
    if (restored !== undefined) return restored
    if (unread !== undefined) throw unread
  } catch (error) {
    if (unread !== undefined || !isHoldfastError(error, 'CORRUPT', 'NOT_FOUND')) throw error
    // The latest of the other side would be an older one.
    if (choice === 'latest' && options.fallback !== true) throw error
    failure = error
  }
  const why = failure === undefined ? `The ${chosen.from} has no such checkpoint.` : messageOf(failure)
  try {
    const restored = await restoreFrom(other, why)
    if (restored !== undefined) report(other, why)
    if (restored !== undefined || failure === undefined) return restored
  } catch (error) {
    if (failure === undefined || !isHoldfastError(error, 'CORRUPT', 'NOT_FOUND')) throw error
  }
  throw failure
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

/** Delivers a checkpoint that is corrupt on one side from the other one. Returns `undefined` if that does not have it. */
function copyIn(
  context: StoreContext,
  { ours, theirs }: BothSides,
  from: ChosenSide['from'],
  options: RestoreOptions,
  report: (from: ChosenSide['from'], why: string) => void,
): Elsewhere {
  const store = readableOf(ours)
  const mirror: Side | undefined = theirs.kind === 'readable' ? theirs.side : undefined
  return async (corrupt, reason, count) => {
    const [here, there] = from === 'store' ? [store, mirror] : [mirror, store]
    if (here?.id === undefined || there?.id === undefined) return undefined
    const origin = originOf(corrupt, here.id)
    const { id, catalog } = there
    const entry = catalog.checkpoints.all.find((each) => isSameOrigin(originOf(each, id), origin))
    if (entry === undefined) return undefined
    const delivery = await tryToDeliver(context, entry, options, count, 'CORRUPT', 'UNAVAILABLE')
    if (delivery.kind === 'not verified') return undefined
    const elsewhere = from === 'store' ? 'mirror' : 'store'
    const why = `Step ${corrupt.step} is corrupt in the ${from}: ${reason}.`
    report(elsewhere, why)
    return { ...delivery.checkpoint, source: { from: elsewhere, url: context.backend.url, why } }
  }
}
