import type { CheckpointBackend } from '../../backend/index.ts'
import { HoldfastError } from '../../errors.ts'
import type { CopyDestination } from '../copy/sides.ts'
import type { MirrorOptions } from './options.ts'
import type { WriteAccess } from '../upkeep/write-access.ts'
import { StoreMirror } from './mirror.ts'

/** Returns the mirror that the options of a store name, connected with the store. `store` is the store as a destination. */
export function mirrorOfOptions(
  options: MirrorOptions | undefined,
  backend: CheckpointBackend | undefined,
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
  const mirror = new StoreMirror(backend, options, local, store)
  access.beforeWrites((newest, signal) => mirror.recorded(newest, signal))
  return mirror
}
