import { join } from 'node:path'
import { type CheckpointDetails, HoldfastError, noSuchFile } from '@holdfast/core'
import { defineCommand } from '../command.ts'
import { argument, text } from '../declaration.ts'
import { exitCodes } from '../exit-codes.ts'
import { withStore } from '../with-store.ts'
import { requireCheckpoint, requiredChoiceArgument } from './choice.ts'

export const path = defineCommand({
  example: 'holdfast path latest checkpoint.pth',
  arguments: [requiredChoiceArgument, argument('<file>', 'its name in the checkpoint', text)],
  options: {},
  run: async ({ arguments: [choice, file], options, signal }) =>
    withStore(options, signal, async (context) => {
      const { store, printer } = context
      const { localRoot } = store.backend.capabilities
      if (localRoot === undefined) {
        throw new HoldfastError(
          'UNSUPPORTED',
          `${store.url} is not on this machine. Use holdfast restore ${choice} --to DIR.`,
        )
      }
      const { key } = fileNamed(await requireCheckpoint(context, choice), file)
      const found = join(localRoot, ...key.split('/'))
      printer.plain(found)
      printer.data({ type: 'result', command: 'path', path: found })
      return exitCodes.done
    }),
})

function fileNamed({ step, files }: CheckpointDetails, name: string): { readonly key: string } {
  const file = files.find((each) => each.name === name)
  if (file !== undefined) return file
  throw noSuchFile(
    step,
    name,
    files.map((each) => each.name),
  )
}
