import { type CheckpointDetails, HoldfastError, parseChoice } from '@holdfast/core'
import { parseStep, parseSteps } from '../arguments.ts'
import { argument, argumentWithDefault, text } from '../declaration.ts'
import type { CommandContext } from '../with-store.ts'

const choices = 'a step, latest, best or best:OBJECTIVE'

/** The checkpoint argument, by default the latest. */
export const choiceArgument = argumentWithDefault('[checkpoint]', choices, 'latest')

export const requiredChoiceArgument = argument('<checkpoint>', choices, text)

export const stepArgument = argument('<step>', 'the step of a checkpoint', parseStep)

export const stepsArgument = argument('<step...>', 'the steps of checkpoints', parseSteps)

/** Resolves with the chosen checkpoint. Rejects with `NOT_FOUND` and explains how to save one. */
export async function requireCheckpoint(
  { store, signal }: CommandContext,
  choice: string,
): Promise<CheckpointDetails> {
  const found = await store.get(parseChoice(choice), { signal })
  if (found === undefined) throw nothingThere(choice, store.url)
  return found
}

export function nothingThere(choice: string, url: string): HoldfastError {
  const what = /^\d+$/.test(choice) ? `checkpoint of step ${choice}` : `${choice} checkpoint`
  return new HoldfastError(
    'NOT_FOUND',
    `There is no ${what} in ${url}. List the checkpoints with holdfast ls. The first save creates the store: holdfast save FILE --step 0`,
  )
}
