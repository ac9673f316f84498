import { markerKey } from '../../catalog/documents/index.ts'
import type { StoreContext } from '../context/context.ts'

/**
 * Whether a store exists and has checkpoints. Quarantined and abandoned checkpoints count. A misspelt location is `absent`, and so is the
 * store of a fresh run.
 */
export type Presence = 'absent' | 'empty' | 'filled'

/** Returns whether the store exists and has checkpoints. */
export async function presenceOf(
  { backend, log }: StoreContext,
  signal: AbortSignal | undefined,
): Promise<Presence> {
  const { version, checkpoints, quarantined, abandoned = [] } = await log.newest(signal)
  if (checkpoints.length + quarantined.length + abandoned.length > 0) return 'filled'
  if (version > 0) return 'empty'
  return (await backend.stat(markerKey, { signal })) === undefined ? 'absent' : 'empty'
}
