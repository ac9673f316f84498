import { type CheckpointBackend, CheckpointStore, type StoreOptions } from '@holdfast/core'
import { type MinimumProgress, openBackend, parseLocation, type RetryPolicy } from '@holdfast/core/backend'
import type { KindOfStore, Place } from './stores.ts'

/** Quick, since every server here is near. */
const quick = { attempts: 10, minDelay: 1, maxDelay: 50 }

/** The store at a place, in this process. */
export async function openAt(
  kind: KindOfStore,
  place: Place,
  options: StoreOptions = {},
): Promise<CheckpointStore> {
  return new CheckpointStore(await openBackendAt(kind, place), options)
}

/** The backend at a place, in this process. */
export async function openBackendAt(
  kind: KindOfStore,
  { url, env }: Place,
  retry: RetryPolicy = quick,
  minimumProgress?: MinimumProgress,
): Promise<CheckpointBackend> {
  Object.assign(process.env, env)
  return openBackend(parseLocation(url), {
    adapters: [kind.adapter],
    ...(kind.endpoint === undefined ? {} : { backend: { retry, minimumProgress } }),
  })
}

/** What a program of its own needs in its environment to find the store. */
export function environmentOf({ env }: Place): NodeJS.ProcessEnv {
  const { HOLDFAST_STORE: _, ...rest } = process.env
  return { ...rest, NO_COLOR: '1', ...env }
}
