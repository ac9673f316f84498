import { parseChoice } from '@holdfast/core'
import { defineCommand } from '../declare/command.ts'
import { argument, text } from '../declare/declaration.ts'
import { exitCodes } from '../exit-codes.ts'
import { requiredChoiceArgument } from '../options/checkpoint-arguments.ts'
import { withStore } from '../with-store.ts'

export const path = defineCommand({
  example: 'holdfast path latest checkpoint.pth',
  arguments: [
    requiredChoiceArgument,
    argument('<file>', 'the name of a file or folder in the checkpoint', text),
  ],
  options: {},
  run: async ({ arguments: [choice, file], options, signal }) =>
    withStore(options, signal, async ({ store, printer }) => {
      const found = await store.localPath(parseChoice(choice), file, { signal })
      printer.plain(found)
      printer.data({ type: 'result', command: 'path', path: found })
      return exitCodes.done
    }),
})
