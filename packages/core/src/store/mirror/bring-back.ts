import { copyAll } from '../copy/copy-all.ts'
import type { CopyDestination } from '../copy/sides.ts'
import { maxBehindOf } from './options.ts'
import { type BothSides, nothingToContinue } from './both-sides.ts'
import type { MirrorConnection } from './connection.ts'
import { continueFromMirror } from './continue-from-mirror.ts'
import type { LocalStore } from './local-side.ts'

/**
 * Copies the latest checkpoint of the mirror into the store, with its metrics and its pin, if the run continued there without the
 * store. The copy has the origin of the original, so the mirror does not get it again. Returns its step.
 */
export async function bringBack(
  sides: BothSides,
  local: LocalStore,
  mirror: MirrorConnection,
  destination: CopyDestination,
  signal: AbortSignal | undefined,
): Promise<number | undefined> {
  const { chosen } = sides
  const { url } = mirror.backend
  const { events } = local.context
  if (sides.mirror.kind === 'unusable') {
    // What is damaged may be repaired, and then has checkpoints.
    if (sides.local.kind === 'readable' && sides.local.side.catalog.latest === undefined)
      throw nothingToContinue('latest', url, sides.mirror.why)
    const { from, why } = chosen
    events.emit('restoringFrom', { from, url: local.context.backend.url, why, isMirrorRead: false })
    return undefined
  }
  const { side } = sides.mirror
  const { id } = side
  if (chosen.from === 'store' || id === undefined) return undefined
  events.emit('restoringFrom', { from: 'mirror', url, why: chosen.why, isMirrorRead: true })
  await continueFromMirror(local, side, chosen)
  const { outcomes } = await copyAll({ context: mirror.reader, id: async () => id }, destination, {
    checkpoints: ['latest'],
    pins: true,
    metrics: true,
    onExisting: 'replace',
    allowBest: true,
    signal,
  })
  const [outcome] = outcomes
  if (outcome?.kind === 'failed') throw outcome.error
  if (outcome !== undefined) await recordAsMirrored(local, mirror, outcome.toStep, signal)
  return outcome?.toStep
}

/** What came from the mirror does not wait for it, also if the store may not write there. */
async function recordAsMirrored(
  { context: { log, environment } }: LocalStore,
  { backend, options }: MirrorConnection,
  step: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  const entry = (await log.whole(signal)).checkpoints.get(step)
  if (entry === undefined) return
  const { attempt, savedAt } = entry
  await log.commit(
    {
      kind: 'record mirror',
      place: backend.url,
      maxBehind: maxBehindOf(options),
      settled: [attempt],
      newest: { step, savedAt, at: environment.now().toISOString() },
    },
    signal,
  )
}
