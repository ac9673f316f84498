import { HoldfastError } from '../../errors.ts'
import { copyAll } from '../copy/copy-checkpoints.ts'
import type { CopyDestination } from '../copy/sides.ts'
import { chooseSide, type LocalState } from './choose-side.ts'
import type { MirrorConnection } from './connection.ts'
import type { LocalStore } from './local-side.ts'
import { continueFromMirror, stateOfMirror, stateOfStore } from './restore.ts'

/**
 * Copies the latest checkpoint of the mirror into the store, with its metrics and its pin, if the run continued there without the
 * store. The copy has the origin of the original, so the mirror does not get it again. Returns its step.
 */
export async function bringBack(
  local: LocalStore,
  mirror: MirrorConnection,
  destination: CopyDestination,
  signal: AbortSignal | undefined,
): Promise<number | undefined> {
  const { url } = mirror.backend
  const theirs = await stateOfMirror(mirror, signal)
  const ours = await stateOfStore(local.context, signal)
  if (theirs.kind === 'unusable') {
    if (hasLatest(ours)) return undefined
    throw new HoldfastError(
      'UNAVAILABLE',
      `The store is empty, and the mirror cannot be read, so nothing shows from where the run continues: ${theirs.why}`,
      { url, retryable: true },
    )
  }
  const chosen = chooseSide(ours, theirs)
  const { side } = theirs
  const { id } = side
  if (chosen.from === 'store' || id === undefined) return undefined
  local.context.events.emit('restoringFrom', { from: 'mirror', url, why: chosen.why, isMirrorRead: true })
  await continueFromMirror(local, side, chosen)
  const { outcomes } = await copyAll({ context: mirror.reader, id: async () => id }, destination, {
    checkpoints: ['latest'],
    pins: true,
    metrics: true,
    onExisting: 'replace',
    allowBest: true,
    signal,
  })
  for (const outcome of outcomes) if (outcome.kind === 'failed') throw outcome.error
  return outcomes[0]?.toStep
}

function hasLatest(ours: LocalState): boolean {
  const { catalog } = ours.kind === 'readable' ? ours.side : ours.readable
  return catalog.latest !== undefined
}
