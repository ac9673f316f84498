import { type CheckpointDetails, HoldfastError, parseChoice, type Presence } from '@holdfast/core'
import { parseStep, parseSteps } from '../parsing/arguments.ts'
import { argument, argumentWithDefault, text } from '../declare/declaration.ts'
import type { CommandContext } from '../with-store.ts'

export const choices = 'a step, latest, best or best:OBJECTIVE'

/** The checkpoint argument, by default the latest. */
export const choiceArgument = argumentWithDefault('[checkpoint]', choices, 'latest')

export const requiredChoiceArgument = argument('<checkpoint>', choices, text)

export const stepArgument = argument('<step>', 'the step of a checkpoint', parseStep)

export const stepsArgument = argument('<step...>', 'the steps of checkpoints', parseSteps)

/** Resolves with the chosen checkpoint. Rejects with `NOT_FOUND` and explains why there is none. */
export async function requireCheckpoint(
  { store, signal }: CommandContext,
  choice: string,
): Promise<CheckpointDetails> {
  const found = await store.get(parseChoice(choice), { signal })
  if (found === undefined) throw nothingThere(choice, store.url, await store.presence({ signal }))
  return found
}

/** Returns the error for a missing checkpoint. It tells a missing store from an empty one. */
export function nothingThere(choice: string, url: string, presence: Presence): HoldfastError {
  return new HoldfastError('NOT_FOUND', `${whyNothing(choice, url, presence)} ${adviceFor[presence]}`)
}

/** Why there is no such checkpoint, as a sentence. */
export function whyNothing(choice: string, url: string, presence: Presence): string {
  if (presence === 'absent') return `There is no store at ${url}.`
  if (presence === 'empty') return `The store ${url} has no checkpoint yet.`
  const what = /^\d+$/.test(choice) ? `checkpoint of step ${choice}` : `${choice} checkpoint`
  return `There is no ${what} in ${url}.`
}

const adviceFor: Readonly<Record<Presence, string>> = {
  absent: 'Check its path or URL. The first save creates the store: holdfast save FILE --step 0.',
  empty: 'Save the first one with holdfast save FILE --step 0.',
  filled: 'List the checkpoints with holdfast ls.',
}
