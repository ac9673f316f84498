import type { CheckpointBackend } from '../../backend/index.ts'
import { HoldfastError } from '../../errors.ts'
import type { TransferLimits } from '../../pacing/index.ts'
import type { CopyDestination } from '../copy/sides.ts'
import type { MirrorOptions } from '../mirror-options.ts'
import type { WriteAccess } from '../upkeep/write-access.ts'
import { StoreMirror } from './mirror.ts'

/**
 * Connects a store with the mirror of its options. `store` is the store as a destination, and `limits` are those of its
 * options.
 */
export function connectMirror(
  options: MirrorOptions | undefined,
  backend: CheckpointBackend | undefined,
  limits: TransferLimits,
  access: WriteAccess,
  store: CopyDestination,
): StoreMirror | undefined {
  if (options === undefined) return undefined
  if (backend === undefined)
    throw new HoldfastError('INVALID_ARGUMENT', 'A store with a mirror is opened with openStore().')
  const local = {
    context: store.context,
    ready: async (signal: AbortSignal | undefined) => access.ready(signal),
  }
  const mirror = new StoreMirror(backend, options, limits, local, store)
  access.beforeWrites((newest, signal) => mirror.recorded(newest, signal))
  return mirror
}
