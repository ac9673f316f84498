import { HoldfastError, isHoldfastError } from '../../errors.ts'
import { maxBehindOf } from './options.ts'
import type { MirrorConnection } from './connection.ts'
import type { LocalStore } from './local-side.ts'

/**
 * Records in the store why nothing can be copied to its mirror, so that a monitor shows it without access to the mirror. Commits once
 * for each kind of failure. The next round that succeeds removes the record.
 */
export async function recordFailure(
  { context: { log, environment } }: LocalStore,
  { backend, options }: MirrorConnection,
  kind: 'failing' | 'fenced',
  error: Error,
): Promise<void> {
  const recorded = log.known?.mirror
  const [code, message] =
    error instanceof HoldfastError ? [error.code, error.reason] : [error.name, error.message]
  if (recorded === undefined || (recorded.failure?.kind === kind && recorded.failure.code === code)) return
  const since = recorded.failure?.since ?? environment.now().toISOString()
  const failure = { kind, code, message, since }
  try {
    await log.commit({
      kind: 'record mirror',
      place: backend.url,
      maxBehind: maxBehindOf(options),
      settled: [],
      failure,
    })
  } catch (reason) {
    if (!isHoldfastError(reason)) throw reason // what is wrong with the store itself is an error of its next save
  }
}
