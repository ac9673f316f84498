import { parseChoice } from '@holdfast/core'
import type { CommandContext } from '../with-store.ts'
import { requireCheckpoint } from './require-checkpoint.ts'

/**
 * Returns the steps of the chosen checkpoints, each once. Rejects if a choice is not valid, or names no checkpoint. A step is
 * not looked up, since the change itself refuses one that is missing.
 */
export async function stepsOfChoices(
  context: CommandContext,
  choices: readonly string[],
): Promise<readonly number[]> {
  const steps = new Set<number>()
  for (const choice of choices) parseChoice(choice)
  for (const choice of choices) {
    const parsed = parseChoice(choice)
    steps.add(typeof parsed === 'number' ? parsed : (await requireCheckpoint(context, choice)).step)
  }
  return [...steps]
}

/** Returns the step if there is only one. */
export function onlyOf(steps: readonly number[]): number | undefined {
  return steps.length === 1 ? steps[0] : undefined
}
