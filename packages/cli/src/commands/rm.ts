import { type ExitCode, exitCodes } from '../exit-codes.ts'
import { joined } from '../output/text.ts'
import { type GlobalOptions, withStore } from '../with-store.ts'

export async function rm(
  steps: readonly number[],
  options: GlobalOptions & { readonly allowBest?: boolean },
  signal: AbortSignal,
): Promise<ExitCode> {
  return withStore(options, signal, async ({ store, printer }) => {
    const failures: Error[] = []
    store.on('cleanupFailed', ({ error }) => failures.push(error))
    const dropped = await store.delete(steps, { allowBest: options.allowBest, signal })
    for (const { step, because } of dropped) printer.line(joined(`dropped step ${step}`, because))
    printer.data({ type: 'result', command: 'rm', dropped })
    return failures.length === 0 ? exitCodes.done : exitCodes.partly
  })
}
