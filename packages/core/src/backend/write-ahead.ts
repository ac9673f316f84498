import type { CheckpointBackend, CommitOptions, CommitOutcome, PutOptions, PutResult } from './backend.ts'
import type { PutSource } from './source/byte-source.ts'

/** Puts with `beforeVisible` and `onVisible`. For a backend without `writesAhead`, awaits `beforeVisible` first, and then puts. */
export async function putAhead(
  backend: CheckpointBackend,
  key: string,
  source: PutSource,
  options: PutOptions,
): Promise<PutResult> {
  if (backend.capabilities.writesAhead === true) return backend.put(key, source, options)
  const { beforeVisible, onVisible, ...others } = options
  await beforeVisible?.()
  const result = await backend.put(key, source, others)
  onVisible?.(result)
  return result
}

/** Commits with `beforeVisible`. For a backend without `writesAhead`, awaits it first, and then commits. */
export async function commitAhead(
  backend: CheckpointBackend,
  key: string,
  bytes: Uint8Array,
  options: CommitOptions,
): Promise<CommitOutcome> {
  if (backend.capabilities.writesAhead === true) return backend.commit(key, bytes, options)
  const { beforeVisible, ...others } = options
  await beforeVisible?.()
  return backend.commit(key, bytes, others)
}
