import { defineCommand } from '../declare/command.ts'
import { option, text } from '../declare/declaration.ts'
import { exitCodes } from '../exit-codes.ts'
import { stepArgument } from '../options/checkpoint-arguments.ts'
import { joined } from '../output/text.ts'
import { withStore } from '../with-store.ts'

export const pin = defineCommand({
  example: 'holdfast pin 12 --reason "before lr drop"',
  arguments: [stepArgument],
  options: { reason: option('<text>', 'shown by ls', text) },
  run: async ({ arguments: [step], options, signal }) =>
    withStore(options, signal, async ({ store, printer }) => {
      await store.pin(step, options.reason, { signal })
      printer.line(joined(`pinned step ${step}`, options.reason))
      printer.data({ type: 'result', command: 'pin', step, reason: options.reason })
      return exitCodes.done
    }),
})
