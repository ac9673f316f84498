import { copyCheckpoints } from '@holdfast/core'
import type * as v from 'valibot'
import type { Call } from './session.ts'
import type { parameters } from './parameters.ts'
import { reporting } from './progress.ts'

/** Copies checkpoints from one store of the client into another. */
export async function copyBetweenStores(
  { store, to, progress, ...options }: v.InferOutput<typeof parameters.copy>,
  { session, signal }: Call,
): Promise<unknown> {
  return copyCheckpoints(session.storeOf(store), session.storeOf(to), {
    ...options,
    signal,
    onProgress: reporting(session, progress),
  })
}
