import { Console } from 'node:console'
import { HoldfastError } from '@holdfast/core'
import { defineCommand } from '../declare/command.ts'
import { flag } from '../declare/declaration.ts'
import { exitCodes } from '../exit-codes.ts'

export const serve = defineCommand({
  example: 'holdfast serve --stdio < /dev/null',
  arguments: [],
  options: {
    stdio: flag('speak the protocol on standard input and output (required)'),
  },
  run: async ({ options, signal, version }) => {
    if (options.stdio !== true) {
      throw new HoldfastError(
        'INVALID_ARGUMENT',
        'holdfast serve requires --stdio. It is started by programs: see docs/serve.md.',
      )
    }
    const { serve: serveClient } = await import('../serve/serve.ts')
    // Standard output carries frames, so messages of other code must not get there.
    globalThis.console = new Console(process.stderr)
    await serveClient({
      input: process.stdin,
      output: process.stdout,
      version,
      signal,
      parentOf: () => process.ppid,
      onOverdue: () => process.exit(exitCodes.failed),
    })
    return exitCodes.done
  },
})
