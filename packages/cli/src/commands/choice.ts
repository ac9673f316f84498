import { type CheckpointDetails, HoldfastError, parseChoice } from '@holdfast/core'
import type { CommandContext } from '../with-store.ts'

/** The checkpoint that is meant on the command line. Rejects with `NOT_FOUND`, and says how to make one. */
export async function requireCheckpoint(
  { store, signal }: CommandContext,
  text: string,
): Promise<CheckpointDetails> {
  const found = await store.get(parseChoice(text), { signal })
  if (found === undefined) throw nothingThere(text, store.url)
  return found
}

export function nothingThere(text: string, url: string): HoldfastError {
  const what = /^\d+$/.test(text) ? `checkpoint of step ${text}` : `${text} checkpoint`
  return new HoldfastError(
    'NOT_FOUND',
    `There is no ${what} in ${url}. See what there is: holdfast ls. The first save makes a store: holdfast save FILE --step 0`,
  )
}
