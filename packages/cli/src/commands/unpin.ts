import { defineCommand } from '../declare/command.ts'
import { exitCodes } from '../exit-codes.ts'
import { stepArgument } from '../options/checkpoint-arguments.ts'
import { withStore } from '../with-store.ts'

export const unpin = defineCommand({
  example: 'holdfast unpin 12',
  arguments: [stepArgument],
  options: {},
  run: async ({ arguments: [step], options, signal }) =>
    withStore(options, signal, async ({ store, printer }) => {
      await store.unpin(step, { signal })
      printer.line(`unpinned step ${step}`)
      printer.data({ type: 'result', command: 'unpin', step })
      return exitCodes.done
    }),
})
