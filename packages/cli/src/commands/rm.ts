import { defineCommand } from '../declare/command.ts'
import { flag } from '../declare/declaration.ts'
import { exitCodes } from '../exit-codes.ts'
import { joined } from '../output/text.ts'
import { withStore } from '../with-store.ts'
import { stepsArgument } from './choice.ts'

export const rm = defineCommand({
  example: 'holdfast rm 37 38',
  arguments: [stepsArgument],
  options: { allowBest: flag('also delete a checkpoint that is the best of an objective') },
  run: async ({ arguments: [steps], options, signal }) =>
    withStore(options, signal, async ({ store, printer }) => {
      const failures: Error[] = []
      store.on('cleanupFailed', ({ error }) => failures.push(error))
      const dropped = await store.delete(steps, { allowBest: options.allowBest, signal })
      for (const { step, because } of dropped) printer.line(joined(`dropped step ${step}`, because))
      printer.data({ type: 'result', command: 'rm', dropped })
      return failures.length === 0 ? exitCodes.done : exitCodes.partly
    }),
})
