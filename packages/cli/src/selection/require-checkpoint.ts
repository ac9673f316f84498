import { type CheckpointDetails, parseChoice } from '@holdfast/core'
import { nothingThere } from '../output/nothing-there.ts'
import type { CommandContext } from '../with-store.ts'

/** Resolves with the chosen checkpoint. Rejects with `NOT_FOUND` and explains why there is none. */
export async function requireCheckpoint(
  { store, signal }: CommandContext,
  choice: string,
): Promise<CheckpointDetails> {
  const found = await store.get(parseChoice(choice), { signal })
  if (found === undefined) throw nothingThere(choice, store.url, await store.presence({ signal }))
  return found
}
