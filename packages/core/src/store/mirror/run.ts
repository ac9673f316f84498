import { HoldfastError, isHoldfastError } from '../../errors.ts'
import { maxBehindOf } from '../mirror-options.ts'
import type { MirrorConnection } from './connection.ts'
import { type LocalStore, sideOf } from './local-side.ts'
import { writerFor } from './synchronise.ts'

/**
 * Makes the store the writer of its mirror before it has anything to copy, and notes there that a run has begun. So no other store
 * takes the mirror back while the run has not saved yet. Returns why the store may not write there; `undefined` if it may.
 */
export async function beginRun(
  local: LocalStore,
  mirror: MirrorConnection,
  run: string,
  signal: AbortSignal | undefined,
): Promise<HoldfastError | undefined> {
  await local.ready(signal)
  const { id, catalog } = await sideOf(local.context, signal)
  if (id === undefined) return undefined
  const destination = await writerFor({ id, catalog }, local, mirror, signal)
  if (destination instanceof HoldfastError) return destination
  await recordAsOwned(local, mirror, id, signal)
  await destination.context.log.commit({ kind: 'begin run', run }, signal)
  return undefined
}

/**
 * Records in the store that the takeover of its mirror is complete. Once the run has ended, the earlier owner may own the mirror again,
 * and the store must not mistake that for a takeover that it has only begun.
 */
async function recordAsOwned(
  { context: { log } }: LocalStore,
  { backend, options }: MirrorConnection,
  owner: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { mirror } = log.known ?? (await log.newest(signal))
  if (mirror?.takingFrom === undefined) return
  const maxBehind = maxBehindOf(options)
  await log.commit({ kind: 'record mirror', place: backend.url, maxBehind, owner, settled: [] }, signal)
}

/**
 * Notes at the mirror that a run has ended. Then a store that lost the mirror to this one takes it back, if it continues from the
 * latest checkpoint there. Does nothing if a later run has begun, or another store owns the mirror.
 */
export async function endRun(
  { context }: LocalStore,
  mirror: MirrorConnection,
  run: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  await mirror.finish() // each later commit would show that the run has not ended
  const { id } = await sideOf(context, signal)
  const { owner } = (await mirror.side(signal)).catalog
  if (id === undefined || owner?.id !== id || owner.run?.id !== run) return
  try {
    await mirror.writer(id, false).context.log.commit({ kind: 'end run', run }, signal)
  } catch (error) {
    if (!isHoldfastError(error, 'FENCED')) throw error // another store has taken the mirror over
  }
}
