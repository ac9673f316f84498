import type { WholeCatalog } from '../../catalog/pages/index.ts'
import type { StoreContext } from '../context/context.ts'
import { storeTime } from './store-time.ts'
import { endOtherSaves, noteUnfinishedSaves } from './others-saves.ts'
import { forgetRemoved } from './forget-removed.ts'
import { bothPasses, type StoreSweepOptions, type StoreSweepReport, sweepStore } from './sweep.ts'
import type { WriteAccess } from './write-access.ts'

/**
 * Sweeps at a person's request. Raises the floor as far as possible, drops removed checkpoints for good whose time for an undo
 * has ended (with `now`, all of them), and reports the unfinished saves of other writers.
 */
export async function fullSweep(
  context: StoreContext,
  access: WriteAccess,
  options: StoreSweepOptions,
): Promise<StoreSweepReport> {
  const { log } = context
  const { dryRun = false, now: endsOthers = false, signal } = options
  await access.cleanedUp(signal)
  const newest = await log.whole(signal)
  if (dryRun || newest.version === 0) return sweepAndReport(context, access, newest, options)
  access.tidying.takeSwept()
  return access.freeing(signal, async () => {
    await access.readyToSave(signal)
    await access.removeEnded(signal)
    const now = await storeTime(context, signal)
    const raised = endsOthers
      ? await endOtherSaves(context, access.attempts, signal)
      : await access.tidying.raiseFloor(await log.newest(signal), signal, now)
    const forgotten = await forgetRemoved(context, endsOthers ? 'all' : 'expired', signal)
    return sweepAndReport(context, access, await log.wholeOf(forgotten?.catalog ?? raised, signal), options)
  })
}

async function sweepAndReport(
  context: StoreContext,
  access: WriteAccess,
  catalog: WholeCatalog,
  options: StoreSweepOptions,
): Promise<StoreSweepReport> {
  const { dryRun = false, signal } = options
  const swept = await sweepStore(context, catalog, options)
  // Taking the store over also removes leftovers, and so does freeing space for the version of the catalog.
  const report = dryRun ? swept : bothPasses(access.tidying.takeSwept(), swept)
  const unfinished = await noteUnfinishedSaves(context, access.attempts, catalog, { dryRun, signal })
  return { ...report, unfinishedSaves: unfinished }
}
