import { defineCommand } from '../declare/command.ts'
import { exitCodes } from '../exit-codes.ts'
import { stepArgument } from '../options/checkpoint-arguments.ts'
import { withStore } from '../with-store.ts'

export const ok = defineCommand({
  example: 'holdfast ok 42',
  arguments: [stepArgument],
  options: {},
  run: async ({ arguments: [step], options, signal }) =>
    withStore(options, signal, async ({ store, printer }) => {
      await store.markGood(step, { signal })
      printer.line(`step ${step} works: its restores are not counted any more`)
      printer.data({ type: 'result', command: 'ok', step })
      return exitCodes.done
    }),
})
