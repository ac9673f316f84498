import { defineCommand } from '../declare/command.ts'
import { exitCodes } from '../exit-codes.ts'
import { requiredChoicesArgument } from '../options/checkpoint-arguments.ts'
import { stepsText } from '../output/text.ts'
import { onlyOf, stepsOfChoices } from '../selection/steps-of-choices.ts'
import { withStore } from '../with-store.ts'

export const unpin = defineCommand({
  example: 'holdfast unpin 12 24',
  arguments: [requiredChoicesArgument],
  options: {},
  run: async ({ arguments: [choices], options, signal }) =>
    withStore(options, signal, async (context) => {
      const { store, printer } = context
      const steps = await stepsOfChoices(context, choices)
      await store.unpin(steps, { signal })
      printer.line(`unpinned ${stepsText(steps)}`)
      printer.data({ type: 'result', command: 'unpin', step: onlyOf(steps), steps })
      return exitCodes.done
    }),
})
