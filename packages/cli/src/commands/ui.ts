import { once } from 'node:events'
import { type CheckpointStore, HoldfastError } from '@holdfast/core'
import { fromNodeError, nodeErrorCode } from '@holdfast/core/backend'
import type { PageServer, RunsSource, ServeOptions } from '@holdfast/page'
import { InvalidArgumentError } from 'commander'
import { defineCommand } from '../declare/command.ts'
import { flag, option, optionalArgument, text } from '../declare/declaration.ts'
import { exitCodes, type ExitCode } from '../exit-codes.ts'
import type { GlobalOptions } from '../declare/global-options.ts'
import { withHint } from '../output/hints.ts'
import { Printer } from '../output/printer.ts'
import { count } from '../output/text.ts'
import { price } from '../parsing/quantities.ts'
import { faultOf, openRun, refuseStoreOptions, runsBelow } from '../runs/runs-below.ts'
import { withStore } from '../with-store.ts'

export const ui = defineCommand({
  example: 'holdfast ui',
  arguments: [
    optionalArgument('[prefix]', 'show all runs below this path or URL instead of one store', text),
  ],
  options: {
    port: option('<n>', 'the port on 127.0.0.1 (default: a free one)', parsePort),
    write: flag('let the page pin, unpin, rewind and prune; it asks before each change'),
    price: option(
      '<amount>',
      'with a prefix: price of one GB (10^9 bytes) for a month, to show what each run costs',
      price,
    ),
  },
  run: async ({ arguments: [prefix], options, signal }) => {
    const { write = false } = options
    if (prefix !== undefined) return showRuns(prefix, options, signal)
    if (options.price !== undefined)
      throw new HoldfastError(
        'INVALID_ARGUMENT',
        '--price is about all runs below a prefix. Pass a prefix: holdfast ui PREFIX --price 0.023',
      )
    return withStore(options, signal, async ({ store, printer }) => {
      const { readBuiltPage, servePage, sourceOf } = await import('@holdfast/page')
      if ((await store.presence({ signal })) === 'absent')
        printer.note(`There is no store at ${store.url} yet. If it should have checkpoints, check --store.`)
      const run = sourceOf(store, { write, now: () => new Date(), signal })
      await using server = await start(servePage, {
        run,
        built: await readBuiltPage(),
        port: options.port,
        write,
        phrase: withHint,
      })
      await untilStopped(printer, { what: store.url, subject: 'the run', server, write }, signal)
      printer.data({ type: 'result', command: 'ui', url: store.url })
      return exitCodes.done
    })
  },
})

interface RunsUiOptions extends GlobalOptions {
  readonly port?: number | undefined
  readonly write?: true | undefined
  readonly price?: number | undefined
}

async function showRuns(prefix: string, options: RunsUiOptions, signal: AbortSignal): Promise<ExitCode> {
  refuseStoreOptions(options, 'ui')
  const { write = false, port, price: pricePerMonth } = options
  const printer = new Printer(options.json ?? false)
  const { readBuiltPage, runsPageOf, servePage, sourceOf } = await import('@holdfast/page')
  const shown = withoutParameters(prefix)
  await using opened = new OpenedStores()
  // A prefix that cannot be listed is an error of the command.
  const first = await runsBelow(prefix, options, printer, { signal })
  const list = (): ReturnType<typeof runsBelow> => runsBelow(prefix, options, undefined, { signal })
  const runs: RunsSource = {
    list: async () => {
      const found = await list()
      return runsPageOf(found, {
        prefix: shown,
        now: new Date(),
        price: pricePerMonth,
        phrase: (run) => faultOf(shown, run),
      })
    },
    open: async (name) => {
      const run = (await list()).find((each) => each.name === name)
      if (run === undefined) throw new HoldfastError('NOT_FOUND', `There is no run ${name} below ${shown}.`)
      const store = opened.add(await openRun(prefix, run, options))
      return sourceOf(store, { write, now: () => new Date(), signal })
    },
  }
  await using server = await start(servePage, {
    runs,
    built: await readBuiltPage(),
    port,
    write,
    phrase: withHint,
  })
  const what = `${count(first.length, 'run')} below ${shown}`
  await untilStopped(printer, { what, subject: 'the runs', server, write }, signal)
  printer.data({ type: 'result', command: 'ui', runs: first.length })
  return exitCodes.done
}

/** The stores of the runs that a page has shown. */
class OpenedStores implements AsyncDisposable {
  readonly #stores: CheckpointStore[] = []

  add(store: CheckpointStore): CheckpointStore {
    this.#stores.push(store)
    return store
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#stores.map((store) => store.close()))
  }
}

interface Serving {
  readonly what: string
  readonly subject: 'the run' | 'the runs'
  readonly server: PageServer
  readonly write: boolean
}

async function untilStopped(
  printer: Printer,
  { what, subject, server, write }: Serving,
  signal: AbortSignal,
): Promise<void> {
  printer.line(`showing ${what} at ${server.url}`)
  const power = write ? 'read and change' : 'read'
  printer.line(`The address is a secret: anyone who has it can ${power} ${subject}. Press Ctrl-C to stop.`)
  const { port } = new URL(server.url)
  const { SSH_CONNECTION: connection = '' } = process.env
  if (connection !== '')
    printer.line(`To open it on your own machine, run there: ssh -L ${port}:127.0.0.1:${port} THIS_HOST`)
  printer.data({ type: 'serving', url: server.url })
  if (!signal.aborted) await once(signal, 'abort')
}

/** Parameters of a location may be secrets. */
function withoutParameters(prefix: string): string {
  return prefix.split('?', 1)[0] ?? prefix
}

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
