import { argument, argumentWithDefault, gather, text } from '../declare/declaration.ts'
import { parseStep, parseSteps } from '../parsing/arguments.ts'

export const choices = 'a step, latest, best or best:OBJECTIVE'

/** The checkpoint argument, by default the latest. */
export const choiceArgument = argumentWithDefault('[checkpoint]', choices, 'latest')

export const requiredChoiceArgument = argument('<checkpoint>', choices, text)

export const requiredChoicesArgument = argument(
  '<checkpoint...>',
  'steps, latest, best or best:OBJECTIVE',
  gather,
)

export const stepArgument = argument('<step>', 'the step of a checkpoint', parseStep)

export const stepsArgument = argument('<step...>', 'the steps of checkpoints', parseSteps)
