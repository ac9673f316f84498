import { once } from 'node:events'
import { HoldfastError } from '@holdfast/core'
import { fromNodeError, nodeErrorCode } from '@holdfast/core/backend'
import type { PageServer, ServeOptions } from '@holdfast/page'
import { InvalidArgumentError } from 'commander'
import { defineCommand } from '../command.ts'
import { option } from '../declaration.ts'
import { exitCodes } from '../exit-codes.ts'
import { withStore } from '../with-store.ts'

export const ui = defineCommand({
  example: 'holdfast ui',
  arguments: [],
  options: { port: option('<n>', 'the port on 127.0.0.1 (default: a free one)', parsePort) },
  run: async ({ options, signal }) =>
    withStore(options, signal, async ({ store, printer }) => {
      const { collectRun, readBuiltPage, servePage } = await import('@holdfast/page')
      const read = (): ReturnType<typeof collectRun> => collectRun(store, { now: new Date(), signal })
      await using server = await start(servePage, { read, built: await readBuiltPage(), port: options.port })
      printer.line(`showing ${store.url} at ${server.url}`)
      printer.line('The address is a secret: whoever has it can read the run. Press Ctrl-C to stop.')
      printer.data({ type: 'serving', url: server.url })
      if (!signal.aborted) await once(signal, 'abort')
      printer.data({ type: 'result', command: 'ui', url: store.url })
      return exitCodes.done
    }),
})

async function start(
  servePage: (options: ServeOptions) => Promise<PageServer>,
  options: ServeOptions,
): Promise<PageServer> {
  try {
    return await servePage(options)
  } catch (error) {
    const where = `port ${options.port ?? 0} of 127.0.0.1`
    if (nodeErrorCode(error) !== 'EADDRINUSE') throw fromNodeError(error, `listening on ${where}`)
    throw new HoldfastError(
      'UNAVAILABLE',
      `Another program uses ${where}. Pass another --port, or none for a free one.`,
    )
  }
}

function parsePort(text: string): number {
  const port = Number(text)
  if (/^\d+$/.test(text) && port <= 65_535) return port
  throw new InvalidArgumentError('It must be a whole number from 0 to 65535.')
}
