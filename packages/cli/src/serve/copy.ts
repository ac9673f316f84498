import { copyCheckpoints, type CopyOutcome } from '@holdfast/core'
import type * as v from 'valibot'
import type { Call } from './call.ts'
import { describeError } from './errors.ts'
import type { parameters } from './parameters.ts'
import { reporting } from './progress.ts'

/** Copies checkpoints from one store of the client into another. */
export async function copyBetweenStores(
  { store, to, progress, ...options }: v.InferOutput<typeof parameters.copy>,
  { session, signal }: Call,
): Promise<unknown> {
  const report = await copyCheckpoints(session.storeOf(store), session.storeOf(to), {
    ...options,
    signal,
    onProgress: reporting(session, progress),
  })
  return { ...report, outcomes: report.outcomes.map(withPlainError) }
}

/** JSON would write an error as an empty object. */
function withPlainError(outcome: CopyOutcome): unknown {
  return outcome.kind === 'failed' ? { ...outcome, error: describeError(outcome.error) } : outcome
}
