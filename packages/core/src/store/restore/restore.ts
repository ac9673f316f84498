import type { CatalogEntry } from '../../catalog/documents/index.ts'
import { type CheckpointChoice, noCheckpointOfStep } from '../../catalog/judging/choose.ts'
import { nextToRestore } from '../../catalog/judging/next-to-restore.ts'
import { durationSince } from '../../environment.ts'
import { HoldfastError } from '../../errors.ts'
import type { StoreContext } from '../context/context.ts'
import { judgedNow } from '../context/judged-now.ts'
import { noneLeft } from './none-left.ts'
import { readCatalog } from './read-catalog.ts'
import { refuseToStartFromNothing } from './refuse-to-start-from-nothing.ts'
import type { PassedOver, Restored, RestoreOptions } from './result.ts'
import { type Elsewhere, type RestoreUpkeep, tryToRestore } from './try-to-restore.ts'

/**
 * Restores a checkpoint: reads the catalog, chooses an entry, and reads the manifest and the files. The catalog
 * verifies the manifest, and the manifest verifies the files. With `fallback`, quarantines a corrupt checkpoint and
 * chooses the next older one. Returns `undefined` if there is no checkpoint to choose.
 */
export async function restoreCheckpoint(
  context: StoreContext,
  choice: CheckpointChoice,
  options: RestoreOptions,
  upkeep: RestoreUpkeep,
  elsewhere?: Elsewhere,
): Promise<Restored | undefined> {
  const at = context.environment.now()
  const passed: CatalogEntry[] = []
  const passedOver: PassedOver[] = []
  for (;;) {
    // After the chosen checkpoint, any other may be next, so all lines are needed.
    const lines = passed.length === 0 ? choice : 'any'
    const read = await readCatalog(context, lines, options, upkeep.repair)
    const next = nextToRestore(judgedNow(context, read.catalog), choice, passed)
    if (next === undefined) {
      refuseNothing(choice, passedOver, read.damaged)
      if (choice === 'latest') refuseToStartFromNothing(read.catalog)
      return undefined
    }
    const tried = await tryToRestore({ context, options, upkeep, elsewhere }, next, read, passedOver)
    if (tried.kind === 'delivered') {
      context.line.continueFrom(next.entry, { at, duration: durationSince(context.environment, at) })
      return { ...tried.checkpoint, passedOver, damagedCatalogs: read.damaged }
    }
    if (tried.kind === 'passed over') {
      passed.push(next.entry)
      passedOver.push(tried.report)
    }
  }
}

function refuseNothing(
  choice: CheckpointChoice,
  passedOver: readonly PassedOver[],
  damaged: Restored['damagedCatalogs'],
): void {
  if (passedOver.length > 0) throw noneLeft(passedOver, choice)
  const [worst] = damaged
  if (worst !== undefined) {
    throw new HoldfastError(
      'CORRUPT',
      `The readable part of the catalog has no checkpoint ${choice}: version ${worst.version} is damaged (${worst.reason}).`,
      { hint: { kind: 'repair' } },
    )
  }
  if (typeof choice !== 'number') return
  throw new HoldfastError('NOT_FOUND', noCheckpointOfStep(choice), { hint: { kind: 'list' } })
}
