import type { Committed } from '../../catalog/commit/catalog-log.ts'
import { attemptPrefix } from '../../catalog/documents/index.ts'
import { HoldfastError, isHoldfastError } from '../../errors.ts'
import type { StoreContext } from '../context/context.ts'

/**
 * Places legal holds on the objects of a checkpoint that was pinned, or ends those of one that was unpinned, if the backend
 * holds objects. The pin is committed before. If the hold fails, the same call can be repeated.
 */
export async function holdCheckpoint(
  { backend }: StoreContext,
  { catalog }: Committed,
  step: number,
  { on, signal }: { readonly on: boolean; readonly signal: AbortSignal | undefined },
): Promise<void> {
  if (backend.capabilities.holdsObjects !== true) return
  const listed = catalog.checkpoints.get(step)
  const abandoned = (catalog.abandoned ?? []).filter((entry) => entry.step === step)
  const attempts = [...(listed === undefined ? [] : [listed]), ...abandoned]
    .filter(({ pinned }) => (pinned !== undefined) === on)
    .map(({ attempt }) => attempt)
  try {
    for (const attempt of attempts) {
      const objects = await Array.fromAsync(backend.list(attemptPrefix(attempt), { signal }))
      const keys = objects.map(({ key }) => key)
      if (keys.length > 0) await backend.setHold(keys, { on, signal })
    }
  } catch (error) {
    if (!isHoldfastError(error)) throw error
    const { code, reason, key, url, retryable } = error
    const message = on
      ? `Step ${step} is pinned, but not all its objects are held: ${reason}`
      : `Step ${step} is unpinned, but objects of it are still held: ${reason}`
    const hint = { kind: on ? 'pin-again' : 'unpin-again', step } as const
    throw new HoldfastError(code, message, { key, url, cause: error, retryable, hint })
  }
}
