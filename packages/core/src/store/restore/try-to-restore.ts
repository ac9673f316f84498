import type { Finding } from '../../catalog/commit/changes/index.ts'
import type { CatalogEntry } from '../../catalog/documents/index.ts'
import { quarantinedError } from '../../catalog/judging/choose.ts'
import type { ToRestore } from '../../catalog/judging/next-to-restore.ts'
import { HoldfastError, messageOf } from '../../errors.ts'
import { wasDroppedMeanwhile } from '../attempts/dropped-meanwhile.ts'
import type { StoreContext } from '../context/context.ts'
import { recorded, type Recording } from '../context/recorded-finding.ts'
import type { AfterCount } from './count-restores.ts'
import type { DeliveredCheckpoint } from './deliver.ts'
import type { CatalogForRestore } from './read-catalog.ts'
import type { PassedOver, RestoreOptions } from './result.ts'
import { type CountRestore, tryToDeliver } from './try-to-deliver.ts'
import { triedTooOften, triesIn } from './tried-too-often.ts'

/** The changes to the store that a restore may request. */
export interface RestoreUpkeep {
  /** Quarantines a corrupt checkpoint, or returns why it could not. */
  readonly quarantine: (finding: Finding) => Promise<Recording>
  /** Rebuilds a lost catalog. */
  readonly repair: (signal: AbortSignal | undefined) => Promise<unknown>
  /** Returns how often a checkpoint was restored without a later save. Default: what the catalog that lists it says. */
  readonly triesOf?: ((entry: CatalogEntry) => Promise<number>) | undefined
  /** Takes the store over, so that no earlier writer changes it while a counted restore downloads. */
  readonly takeOver: () => Promise<void>
  /** Counts a restore. `rewind` then goes back to the checkpoint, because later ones were restored too often. */
  readonly count: (entry: CatalogEntry, after: AfterCount) => Promise<void>
}

/**
 * Delivers a corrupt checkpoint from another place. Returns `undefined` if no other place has it. `count` is called once every
 * file is verified, before the first one is delivered.
 */
export type Elsewhere = (
  corrupt: CatalogEntry,
  reason: string,
  count: CountRestore | undefined,
) => Promise<DeliveredCheckpoint | undefined>

/** What a restore needs for each checkpoint that it tries. */
export interface Restoring {
  readonly context: StoreContext
  readonly options: RestoreOptions
  readonly upkeep: RestoreUpkeep
  readonly elsewhere: Elsewhere | undefined
}

/** What became of a checkpoint that a restore tried. */
export type Tried =
  | { readonly kind: 'delivered'; readonly checkpoint: DeliveredCheckpoint }
  | { readonly kind: 'passed over'; readonly report: PassedOver }
  /** Another process has dropped it since the catalog was read. */
  | { readonly kind: 'dropped' }

/**
 * Delivers a checkpoint, or passes over it if it is corrupt or was restored too often. Rejects with `CORRUPT` if it is corrupt
 * and the options have no `fallback`. `passedOver` are the ones that it has tried before. A restore is counted once all files are
 * verified, so a full disk or a lost connection does not count against the checkpoint. A crash of the program does, because the
 * count is committed before the first file is delivered.
 */
export async function tryToRestore(
  restoring: Restoring,
  candidate: ToRestore,
  { catalog, damaged }: CatalogForRestore,
  passedOver: readonly PassedOver[],
): Promise<Tried> {
  const { context, options, upkeep } = restoring
  const { entry } = candidate
  const { maxTries, signal } = options
  if (candidate.kind === 'quarantined') {
    if (options.fallback !== true) throw quarantinedError(candidate, context.backend.url)
    return passOver({ step: entry.step, reason: candidate.reason, quarantined: recorded })
  }
  if (maxTries !== undefined) {
    const tries = (await upkeep.triesOf?.(entry)) ?? triesIn(catalog, entry.attempt)
    if (tries >= maxTries) return passOver(triedTooOften({ step: entry.step, tries }))
  }
  using _ = context.restoring.protect(entry.attempt)
  const after = passedOver.some(({ tries }) => tries !== undefined) ? 'rewind' : 'stay'
  const count = maxTries === undefined ? undefined : (): Promise<void> => upkeep.count(entry, after)
  if (count !== undefined) await upkeep.takeOver()
  const delivery = await tryToDeliver(context, entry, options, count, 'CORRUPT')
  if (delivery.kind === 'delivered') return delivery
  if (damaged.length === 0 && (await wasDroppedMeanwhile(context, entry, signal))) return { kind: 'dropped' }
  return await replaceCorrupt(restoring, entry, delivery.error, count)
}

/** Delivers a corrupt checkpoint from elsewhere, or passes over it. Quarantines it if the restore may fall back. */
async function replaceCorrupt(
  { options, upkeep, elsewhere }: Restoring,
  entry: CatalogEntry,
  error: HoldfastError,
  count: CountRestore | undefined,
): Promise<Tried> {
  const { step, attempt } = entry
  const reason = messageOf(error)
  const checkpoint = await elsewhere?.(entry, reason, count)
  const quarantine = (): Promise<Recording> => upkeep.quarantine({ step, attempt, reason })
  if (checkpoint !== undefined) {
    if (options.fallback === true) await quarantine()
    return { kind: 'delivered', checkpoint }
  }
  if (options.fallback !== true) throw corruptCheckpoint(entry, error)
  return passOver({ step, reason, quarantined: await quarantine() })
}

function passOver(report: PassedOver): Tried {
  return { kind: 'passed over', report }
}

function corruptCheckpoint({ step }: CatalogEntry, cause: HoldfastError): HoldfastError {
  return new HoldfastError(
    'CORRUPT',
    `Step ${step} is corrupt: ${messageOf(cause)}. Nothing was delivered.`,
    { key: cause.key, url: cause.url, cause, hint: { kind: 'restore-with-fallback' } },
  )
}
