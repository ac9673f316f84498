import { type ExitCode, exitCodes } from '../exit-codes.ts'
import { joined } from '../output/text.ts'
import { type GlobalOptions, withStore } from '../with-store.ts'

interface PinOptions extends GlobalOptions {
  readonly reason?: string
}

export async function pin(step: number, options: PinOptions, signal: AbortSignal): Promise<ExitCode> {
  return withStore(options, signal, async ({ store, printer }) => {
    await store.pin(step, options.reason, { signal })
    printer.line(joined(`pinned step ${step}`, options.reason))
    printer.data({ type: 'result', command: 'pin', step, reason: options.reason })
    return exitCodes.done
  })
}

export async function unpin(step: number, options: GlobalOptions, signal: AbortSignal): Promise<ExitCode> {
  return withStore(options, signal, async ({ store, printer }) => {
    await store.unpin(step, { signal })
    printer.line(`unpinned step ${step}`)
    printer.data({ type: 'result', command: 'unpin', step })
    return exitCodes.done
  })
}
