import { CheckpointStore, openBackend, parseLocation, type StoreOptions } from '@holdfast/core'
import type { KindOfStore, Place } from './stores.ts'

/** Quick, since every server here is near. */
const retry = { attempts: 10, minDelay: 1, maxDelay: 50 }

/** The store at a place, in this process. */
export async function openAt(
  kind: KindOfStore,
  { url, env }: Place,
  options: StoreOptions = {},
): Promise<CheckpointStore> {
  Object.assign(process.env, env)
  const backend = await openBackend(parseLocation(url), {
    adapters: [kind.adapter],
    ...(kind.endpoint === undefined ? {} : { backend: { retry } }),
  })
  return new CheckpointStore(backend, options)
}

/** What a program of its own needs in its environment to find the store. */
export function environmentOf({ env }: Place): NodeJS.ProcessEnv {
  const { HOLDFAST_STORE: _, ...rest } = process.env
  return { ...rest, NO_COLOR: '1', ...env }
}
