import { catalogFor } from '../../catalog/commit/catalog-for.ts'
import type { CatalogEntry, Manifest } from '../../catalog/documents/index.ts'
import {
  type CheckpointChoice,
  chooseEntry,
  quarantinedChoice,
  quarantinedError,
} from '../../catalog/judging/choose.ts'
import type { JudgedCatalog } from '../../catalog/judging/judged-catalog.ts'
import { HoldfastError, isHoldfastError } from '../../errors.ts'
import { wasDroppedMeanwhile } from '../attempts/dropped-meanwhile.ts'
import { verifiedManifest } from '../attempts/read-verified.ts'
import type { StoreContext } from '../context/context.ts'
import { judgedNow } from '../context/judged-now.ts'

/** A checkpoint, and the version of the catalog that lists it. */
export interface FoundCheckpoint {
  readonly judged: JudgedCatalog
  readonly entry: CatalogEntry
}

/** A checkpoint with its manifest, which was verified by the digest in the catalog. */
export interface FoundWithManifest extends FoundCheckpoint {
  readonly manifest: Manifest
}

/**
 * Returns the chosen checkpoint; `undefined` if there is none. Reads only the lines of the catalog that the choice
 * needs.
 */
export async function findCheckpoint(
  context: StoreContext,
  choice: CheckpointChoice,
  signal: AbortSignal | undefined,
): Promise<FoundCheckpoint | undefined> {
  const judged = judgedNow(context, await catalogFor(context.log, choice, signal))
  const entry = chooseEntry(judged, choice)
  return entry === undefined ? undefined : { judged, entry }
}

/**
 * Returns the chosen checkpoint with its manifest; `undefined` if there is none. Rejects with `CORRUPT` if its manifest
 * is corrupt or its step is quarantined.
 */
export async function findWithManifest(
  context: StoreContext,
  choice: CheckpointChoice,
  signal: AbortSignal | undefined,
): Promise<FoundWithManifest | undefined> {
  for (;;) {
    const found = await findCheckpoint(context, choice, signal)
    if (found === undefined) {
      await refuseQuarantined(context, choice, signal)
      return undefined
    }
    try {
      return { ...found, manifest: await verifiedManifest(context.backend, found.entry, signal) }
    } catch (error) {
      if (!isHoldfastError(error, 'CORRUPT')) throw error
      // Another process may have dropped the checkpoint since the catalog was read. Then the choice is repeated.
      if (!(await wasDroppedMeanwhile(context, found.entry, signal))) throw error
    }
  }
}

/** Returns the chosen checkpoint with its manifest. Rejects with `NOT_FOUND` if there is none. */
export async function requireWithManifest(
  context: StoreContext,
  choice: CheckpointChoice,
  signal: AbortSignal | undefined,
): Promise<FoundWithManifest> {
  const found = await findWithManifest(context, choice, signal)
  if (found !== undefined) return found
  const what = typeof choice === 'number' ? `checkpoint of step ${choice}` : `${choice} checkpoint`
  throw new HoldfastError('NOT_FOUND', `There is no ${what} in ${context.backend.url}.`, {
    url: context.backend.url,
    hint: { kind: 'list' },
  })
}

async function refuseQuarantined(
  { log, backend }: StoreContext,
  choice: CheckpointChoice,
  signal: AbortSignal | undefined,
): Promise<void> {
  const aside = quarantinedChoice(await catalogFor(log, choice, signal), choice)
  if (aside !== undefined) throw quarantinedError(aside, backend.url)
}
