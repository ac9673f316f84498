import { GcsBackend, type GcsOptions } from '../src/index.ts'
import { ScriptedStore } from './scripted-store.ts'

export const chunk = 256 * 2 ** 10

/** Enough attempts for every script, with short pauses. */
export const quick = { attempts: 4, minDelay: 1, maxDelay: 2 }

/** Runs one test with a backend on a scripted store. */
export async function withScriptedStore(
  run: (backend: GcsBackend, store: ScriptedStore) => Promise<void>,
  options: GcsOptions = {},
): Promise<void> {
  await using store = await ScriptedStore.start()
  const { endpoint } = store
  await run(new GcsBackend('b', 'r', { endpoint, chunkSize: chunk, retry: quick, ...options }), store)
}
