import { orAborted } from '../../async/or-aborted.ts'
import type { RetryEvent } from '../../backend/index.ts'
import { overloadOf } from '../../backend/overload.ts'
import { newestReadable } from '../../catalog/commit/newest-readable.ts'
import type { CheckpointChoice } from '../../catalog/judging/choose.ts'
import { abandonedAt, type WholeCatalog } from '../../catalog/pages/index.ts'
import { HoldfastError, isHoldfastError, messageOf, throwIfAborted } from '../../errors.ts'
import type { StoreContext } from '../context/context.ts'
import { readMarker } from '../marker/read-marker.ts'
import { recordedId } from '../marker/former-id.ts'
import { type ChosenSide, chooseSide, type LocalState, type MirrorState } from './choose-side.ts'
import type { MirrorConnection } from './connection.ts'
import type { Side } from './continuation.ts'

/** A store and its mirror, and from which of them a run continues. */
export interface BothSides {
  readonly local: LocalState
  readonly mirror: MirrorState
  readonly chosen: ChosenSide
}

/**
 * Reads a store and its mirror, and decides from where a run continues. `known` is the mirror as it was read before. The mirror is
 * read first: what other processes of the store copy there meanwhile must not look as if the store had forgotten it.
 */
export async function lookAtBoth(
  context: StoreContext,
  mirror: MirrorConnection,
  known: MirrorState | undefined,
  signal: AbortSignal | undefined,
): Promise<BothSides> {
  const mirrorState = known ?? (await stateOfMirror(mirror, signal))
  const localState = await stateOfStore(context, signal)
  return { local: localState, mirror: mirrorState, chosen: chooseSide(localState, mirrorState) }
}

/** Milliseconds that a restore waits for the first answer of the mirror if the store has the checkpoint. */
const patience = 10_000

/**
 * Reads a mirror before a restore. If the store lists the chosen checkpoint, gives up a mirror that does not answer at all. A
 * mirror that answers may be ahead of the store, so the restore waits for it however slow it is.
 */
export async function lookAtMirror(
  context: StoreContext,
  mirror: MirrorConnection,
  choice: CheckpointChoice,
  signal: AbortSignal | undefined,
): Promise<MirrorState> {
  if (!offers(readableOf(await stateOfStore(context, signal)), choice)) return stateOfMirror(mirror, signal)
  throwIfAborted(signal, 'The look at the mirror')
  const { environment, events } = context
  const late = new AbortController()
  const answered = new AbortController()
  const noteAnswer = (): void => {
    answered.abort()
  }
  const noteRetry = ({ error }: RetryEvent): void => {
    if (isHoldfastError(error) && error.url === mirror.backend.url && overloadOf(error) !== undefined)
      noteAnswer()
  }
  events.on('retry', noteRetry)
  const deadline = environment.pause(patience, answered.signal).then(
    () => {
      late.abort()
    },
    () => undefined, // the mirror has answered
  )
  const ends = AbortSignal.any([late.signal, ...(signal === undefined ? [] : [signal])])
  try {
    // A file system that hangs does not obey a signal.
    return await orAborted(stateOfMirror(mirror, ends, noteAnswer), ends, 'The look at the mirror')
  } catch (error) {
    if (!late.signal.aborted || signal?.aborted === true) throw error
    return { kind: 'unusable', why: `It did not answer within ${patience / 1000} seconds.` }
  } finally {
    events.off('retry', noteRetry)
    noteAnswer()
    await deadline
  }
}

/** Returns what can be read of a store. */
export function readableOf(local: LocalState): Side {
  return local.kind === 'readable' ? local.side : local.readable
}

/** Returns whether a store lists a checkpoint for this choice. */
export function offers({ catalog }: Side, choice: CheckpointChoice): boolean {
  if (typeof choice !== 'number') return catalog.latest !== undefined
  return catalog.checkpoints.get(choice) !== undefined || abandonedAt(catalog, choice) !== undefined
}

/** Creates the error for a store that does not offer the choice and whose mirror cannot be read. */
export function nothingToContinue(choice: CheckpointChoice, url: string, why: string): HoldfastError {
  const missing = typeof choice === 'number' ? `checkpoint of step ${choice}` : 'good checkpoint'
  return new HoldfastError(
    'UNAVAILABLE',
    `The store has no ${missing}, and the mirror cannot be read, so nothing shows from where the run continues: ${why}`,
    { url, retryable: true },
  )
}

/** A store that has lost its marker has the id that it records with its mirror. */
async function stateOfStore(context: StoreContext, signal: AbortSignal | undefined): Promise<LocalState> {
  const { backend, log } = context
  const found = await readMarker(backend, signal)
  const sideWith = (catalog: WholeCatalog): Side => ({
    id: found.kind === 'good' ? found.marker.id : recordedId(catalog),
    catalog,
  })
  try {
    const side = sideWith(await log.whole(signal))
    const isKnown = side.id !== undefined || side.catalog.version === 0
    return isKnown
      ? { kind: 'readable', side }
      : { kind: 'damaged', readable: side, why: `its marker is ${found.kind}` }
  } catch (error) {
    if (!isHoldfastError(error, 'CORRUPT')) throw error
    const { catalog } = await newestReadable(log, signal)
    return { kind: 'damaged', readable: sideWith(catalog), why: messageOf(error) }
  }
}

/** A mirror that cannot be read for any reason must not stop a restore from the store. */
async function stateOfMirror(
  mirror: MirrorConnection,
  signal: AbortSignal | undefined,
  onAnswer?: () => void,
): Promise<MirrorState> {
  try {
    return { kind: 'readable', side: await mirror.side(signal, onAnswer) }
  } catch (error) {
    if (!isHoldfastError(error) || error.code === 'ABORTED' || error.code === 'CONFIG') throw error
    return { kind: 'unusable', why: messageOf(error) }
  }
}
