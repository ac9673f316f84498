import { HoldfastError } from '@holdfast/core'
import type { CommandContext } from '../with-store.ts'

/**
 * Rejects with `NOT_FOUND` if there is no store. A program may prune or sweep before its first save, but a person who names a
 * location that has no store has misspelt it.
 */
export async function requireStore({
  store,
  signal,
}: Pick<CommandContext, 'store' | 'signal'>): Promise<void> {
  if ((await store.presence({ signal })) !== 'absent') return
  const { url } = store
  throw new HoldfastError('NOT_FOUND', `There is no store at ${url}.`, {
    url,
    hint: { kind: 'check-location' },
  })
}
