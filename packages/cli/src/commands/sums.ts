import { defineCommand } from '../declare/command.ts'
import { exitCodes } from '../exit-codes.ts'
import { choiceArgument } from '../options/checkpoint-arguments.ts'
import { requireCheckpoint } from '../selection/require-checkpoint.ts'
import { withStore } from '../with-store.ts'

/** File names never contain a backslash or a line break, so sha256sum needs no escapes. */
export const sums = defineCommand({
  example: '(cd resume && holdfast sums latest | sha256sum -c)',
  arguments: [choiceArgument],
  options: {},
  run: async ({ arguments: [choice], options, signal }) =>
    withStore(options, signal, async (context) => {
      const { printer } = context
      const { step, files } = await requireCheckpoint(context, choice)
      for (const { name, sha256 } of files) printer.plain(`${sha256}  ${name}`)
      for (const { name, sha256 } of files) printer.data({ type: 'sum', name, sha256 })
      printer.data({ type: 'result', command: 'sums', step, fileCount: files.length })
      return exitCodes.done
    }),
})
