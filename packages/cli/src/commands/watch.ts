import { adoptionOf, adoptionOptions } from '../options/adoption.ts'
import { defineCommand } from '../declare/command.ts'
import { argument, text } from '../declare/declaration.ts'
import { exitCodes } from '../exit-codes.ts'
import { onSavedOption, savedHook } from '../hooks/on-saved.ts'
import { printAdoption } from '../output/adoption.ts'
import { retentionOptions } from '../options/retention.ts'
import { withStore } from '../with-store.ts'

export const watch = defineCommand({
  example: 'holdfast watch out --keep-last 3 --keep-best eval_loss:min',
  arguments: [argument('<folder>', 'where the program writes; it may not exist yet', text)],
  options: { onSaved: onSavedOption, ...adoptionOptions, ...retentionOptions },
  run: async ({ arguments: [folder], options, signal }) =>
    withStore(
      options,
      signal,
      async ({ store, printer }) => {
        const { watchFolder } = await import('@holdfast/watch')
        await using hook = await savedHook(options, { printer, signal })
        await watchFolder(store, folder, {
          ...adoptionOf(options),
          signal,
          onEvent: (event) => {
            printAdoption(printer, `watching ${folder}`, event)
            if (event.type === 'adopted') hook.saved(event.saved)
          },
        })
        return exitCodes.done
      },
      { mirror: 'wait' },
    ),
})
