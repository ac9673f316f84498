import { defineCommand } from '../declare/command.ts'
import { option, text } from '../declare/declaration.ts'
import { exitCodes } from '../exit-codes.ts'
import { requiredChoicesArgument } from '../options/checkpoint-arguments.ts'
import { joined, stepsText } from '../output/text.ts'
import { onlyOf, stepsOfChoices } from '../selection/steps-of-choices.ts'
import { withStore } from '../with-store.ts'

export const pin = defineCommand({
  example: 'holdfast pin 12 --reason "before lr drop"',
  arguments: [requiredChoicesArgument],
  options: { reason: option('<text>', 'shown by ls', text) },
  run: async ({ arguments: [choices], options, signal }) =>
    withStore(options, signal, async (context) => {
      const { store, printer } = context
      const { reason } = options
      const steps = await stepsOfChoices(context, choices)
      await store.pin(steps, reason, { signal })
      printer.line(joined(`pinned ${stepsText(steps)}`, reason))
      printer.data({ type: 'result', command: 'pin', step: onlyOf(steps), steps, reason })
      return exitCodes.done
    }),
})
