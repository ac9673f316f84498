import type { CatalogEntry } from '../../catalog/documents/index.ts'
import { type ErrorCode, type HoldfastError, isHoldfastError } from '../../errors.ts'
import type { StoreContext } from '../context/context.ts'
import { deliver, type DeliveredCheckpoint } from './deliver.ts'
import type { RestoreOptions } from './result.ts'

/** Commits the count of a restore. */
export type CountRestore = () => Promise<void>

/** A delivered checkpoint, or why its files could not be verified. */
export type Delivery =
  | { readonly kind: 'delivered'; readonly checkpoint: DeliveredCheckpoint }
  | { readonly kind: 'not verified'; readonly error: HoldfastError }

/**
 * Delivers a checkpoint. `count` is called once every file is verified, before the first one appears at the destination. Returns
 * `not verified` for an error with one of these codes before that. Rejects with every other error.
 */
export async function tryToDeliver(
  context: StoreContext,
  entry: CatalogEntry,
  options: RestoreOptions,
  count: CountRestore | undefined,
  ...codes: readonly ErrorCode[]
): Promise<Delivery> {
  const files = { areVerified: false }
  const counted = async (): Promise<void> => {
    files.areVerified = true
    await count?.()
  }
  try {
    const checkpoint = await deliver(context, entry, options, count === undefined ? undefined : counted)
    return { kind: 'delivered', checkpoint }
  } catch (error) {
    if (files.areVerified || !isHoldfastError(error, ...codes)) throw error
    return { kind: 'not verified', error }
  }
}
