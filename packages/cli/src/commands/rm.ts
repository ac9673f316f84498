import { defineCommand } from '../declare/command.ts'
import { flag } from '../declare/declaration.ts'
import { exitCodes } from '../exit-codes.ts'
import { stepsArgument } from '../options/checkpoint-arguments.ts'
import { latestUntil, undoText } from '../output/removals.ts'
import { joined } from '../output/text.ts'
import { undoForOption } from '../options/undo.ts'
import { withStore } from '../with-store.ts'

export const rm = defineCommand({
  example: 'holdfast rm 37 38',
  arguments: [stepsArgument],
  options: {
    allowBest: flag('also delete a checkpoint that is the best of an objective'),
    undoFor: undoForOption,
  },
  run: async ({ arguments: [steps], options, signal }) =>
    withStore(options, signal, async ({ store, printer, hasUndeleted }) => {
      const { allowBest, undoFor } = options
      const dropped = await store.delete(steps, { allowBest, undoFor, signal })
      for (const { step, because } of dropped) printer.line(joined(`dropped step ${step}`, because))
      const until = undoText(latestUntil(dropped.map(({ undoUntil }) => undoUntil)))
      if (until !== undefined) printer.line(until)
      printer.data({ type: 'result', command: 'rm', dropped })
      return hasUndeleted() ? exitCodes.partly : exitCodes.done
    }),
})
