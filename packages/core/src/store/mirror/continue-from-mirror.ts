import { segmentsOf } from '../../catalog/commit/segments.ts'
import { isHoldfastError } from '../../errors.ts'
import { renewId } from '../marker/ensure-marker.ts'
import type { ChosenSide } from './choose-side.ts'
import type { Side } from './continuation.ts'
import { type LocalStore, sideOf } from './local-side.ts'

/**
 * Lets the run continue in the store from what the mirror has: gives the store an id of its own if another disk has the same one,
 * and numbers the segments of the mirror. So the saves that follow are later than those of the mirror.
 */
export async function continueFromMirror(
  { context, ready }: LocalStore,
  mirror: Side,
  { needsNewId }: ChosenSide,
): Promise<void> {
  const { id } = mirror
  if (id === undefined) return
  try {
    await ready(undefined)
    if (needsNewId) await renewId(context)
    const { id: store } = await sideOf(context, undefined)
    if (store === undefined) return
    await context.log.commit({ kind: 'open segments', store, segments: segmentsOf(mirror.catalog, id) })
  } catch (error) {
    if (!isHoldfastError(error, 'FENCED')) throw error // another process owns the store, so this one cannot save
  }
}
