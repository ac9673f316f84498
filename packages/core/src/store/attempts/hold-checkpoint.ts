import type { CheckpointBackend } from '../../backend/index.ts'
import type { Committed } from '../../catalog/commit/catalog-log.ts'
import { attemptPrefix } from '../../catalog/documents/index.ts'
import { HoldfastError, isHoldfastError } from '../../errors.ts'
import type { StoreContext } from '../context/context.ts'

interface Hold {
  readonly on: boolean
  readonly signal: AbortSignal | undefined
}

/**
 * Places legal holds on the objects of checkpoints that were pinned, or ends those of checkpoints that were unpinned, if the
 * backend holds objects. The pins are committed before. If a hold fails, the hint names the steps for which the same call can be
 * repeated.
 */
export async function holdCheckpoints(
  { backend }: StoreContext,
  committed: Committed,
  steps: readonly number[],
  hold: Hold,
): Promise<void> {
  if (backend.capabilities.holdsObjects !== true) return
  for (const [index, step] of steps.entries()) {
    try {
      await holdCheckpoint(backend, committed, step, hold)
    } catch (error) {
      if (!isHoldfastError(error)) throw error
      throw notHeld(error, step, { again: steps.slice(index), on: hold.on })
    }
  }
}

async function holdCheckpoint(
  backend: CheckpointBackend,
  { catalog }: Committed,
  step: number,
  { on, signal }: Hold,
): Promise<void> {
  const listed = catalog.checkpoints.get(step)
  const abandoned = (catalog.abandoned ?? []).filter((entry) => entry.step === step)
  const attempts = [...(listed === undefined ? [] : [listed]), ...abandoned]
    .filter(({ pinned }) => (pinned !== undefined) === on)
    .map(({ attempt }) => attempt)
  for (const attempt of attempts) {
    const objects = await Array.fromAsync(backend.list(attemptPrefix(attempt), { signal }))
    const keys = objects.map(({ key }) => key)
    if (keys.length > 0) await backend.setHold(keys, { on, signal })
  }
}

function notHeld(
  error: HoldfastError,
  step: number,
  { again, on }: { readonly again: readonly number[]; readonly on: boolean },
): HoldfastError {
  const { code, reason, key, url, retryable } = error
  const message = on
    ? `Step ${step} is pinned, but not all its objects are held: ${reason}`
    : `Step ${step} is unpinned, but objects of it are still held: ${reason}`
  const hint = { kind: on ? 'pin-again' : 'unpin-again', steps: again } as const
  return new HoldfastError(code, message, { key, url, cause: error, retryable, hint })
}
