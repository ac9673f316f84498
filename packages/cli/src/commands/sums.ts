import { type ExitCode, exitCodes } from '../exit-codes.ts'
import { type GlobalOptions, withStore } from '../with-store.ts'
import { requireCheckpoint } from './choice.ts'

/** Names hold no backslash and no line break, so no line needs the escapes of sha256sum. */
export async function sums(choice: string, options: GlobalOptions, signal: AbortSignal): Promise<ExitCode> {
  return withStore(options, signal, async (context) => {
    const { printer } = context
    const { step, files } = await requireCheckpoint(context, choice)
    for (const { name, sha256 } of files) printer.plain(`${sha256}  ${name}`)
    for (const { name, sha256 } of files) printer.data({ type: 'sum', name, sha256 })
    printer.data({ type: 'result', command: 'sums', step, fileCount: files.length })
    return exitCodes.done
  })
}
