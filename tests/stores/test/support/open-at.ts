import { type CheckpointBackend, CheckpointStore, type StoreOptions } from '@holdfast/core'
import { type MinimumProgress, openBackend, parseLocation, type RetryPolicy } from '@holdfast/core/backend'
import type { KindOfStore, Place } from './kinds-of-store.ts'

/** A retry policy with short delays, because all servers are on this machine. */
const shortDelays = { attempts: 10, minDelay: 1, maxDelay: 50 }

/** Opens the store at a place. */
export async function openAt(
  kind: KindOfStore,
  place: Place,
  options: StoreOptions = {},
): Promise<CheckpointStore> {
  return new CheckpointStore(await openBackendAt(kind, place), options)
}

/** Opens a backend at a place. Sets the environment variables of the place in this process. */
export async function openBackendAt(
  kind: KindOfStore,
  { url, env }: Place,
  retry: RetryPolicy = shortDelays,
  minimumProgress?: MinimumProgress,
): Promise<CheckpointBackend> {
  Object.assign(process.env, env)
  return openBackend(parseLocation(url), {
    adapters: [kind.adapter],
    ...(kind.endpoint === undefined ? {} : { backend: { retry, minimumProgress } }),
  })
}

/** Returns the environment variables with which another process can open the store at a place. */
export function environmentOf({ env }: Place): NodeJS.ProcessEnv {
  const { HOLDFAST_STORE: _, ...rest } = process.env
  return { ...rest, NO_COLOR: '1', ...env }
}
