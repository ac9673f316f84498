import { expandHome } from '@holdfast/core/backend'
import type { RunReport } from '@holdfast/watch'
import { adoptionOf, adoptionOptions } from '../options/adoption.ts'
import { parseSeconds, parseWhole } from '../parsing/arguments.ts'
import { defineCommand } from '../declare/command.ts'
import { argument, gather, option, requiredOption, text } from '../declare/declaration.ts'
import { exitCodeOf, exitCodes } from '../exit-codes.ts'
import { onSavedOption, savedHook } from '../hooks/on-saved.ts'
import { mirrorFailureText, mirrorText, printSource } from '../output/mirror.ts'
import { RunPrinter } from '../output/run-printer.ts'
import { retentionOptions } from '../options/retention.ts'
import { withStore } from '../with-store.ts'

/** The program reads its checkpoints again, so they are not deleted from the folder. */
const { consume: _, ...adoption } = adoptionOptions

export const runCommand = defineCommand({
  example: 'holdfast run --watch out --keep-last 3 -- python train.py --resume out',
  arguments: [argument('<command...>', 'after --: the program and its arguments', gather)],
  options: {
    watch: requiredOption(
      '<folder>',
      'where the program writes checkpoints and looks for the last one',
      text,
    ),
    restarts: option('<n>', 'how often to start the program again after it failed; default: 5', parseWhole),
    restartDelay: option(
      '<seconds>',
      'pause before the first restart, doubled for each further one; default: 1',
      parseSeconds,
    ),
    grace: option('<seconds>', 'time that the run has after SIGTERM or SIGINT; default: 25', parseSeconds),
    onSaved: onSavedOption,
    ...adoption,
    ...retentionOptions,
  },
  run: async ({ arguments: [command], options, signal, ownSignals }) =>
    withStore(
      options,
      signal,
      async ({ store, printer }) => {
        const { runProgram } = await import('@holdfast/watch')
        const { restarts, restartDelay, grace } = options
        const folder = expandHome(options.watch)
        const { consume: __, ...adopting } = adoptionOf({ ...options, consume: undefined })
        await using hook = await savedHook(options, { printer })
        printSource(store, printer)
        const output = new RunPrinter(printer, { folder, command, url: store.url })
        const running = runProgram(store, folder, command, {
          ...adopting,
          restarts,
          restartDelay,
          grace,
          outputToStderr: printer.json,
          beforeEnd: async (graceOver) => {
            hook.stopOn(graceOver)
            await hook.finish()
          },
          onEvent: (event) => {
            output.print(event)
            if (event.type === 'adopted') hook.saved(event.saved)
          },
        })
        ownSignals() // From here on the run handles them.
        const report = await running
        const ofProgram = codeAfter(report)
        output.printReport(report, ofProgram)
        const { mirror } = report
        if (mirror !== undefined) {
          const now = new Date()
          printer.note(mirrorText(mirror, now))
          const failure = mirrorFailureText(mirror, now)
          if (failure !== undefined) printer.note(failure)
        }
        return { ofProgram }
        // The run itself waits for the mirror, as long as its grace allows.
      },
      { mirror: 'no wait' },
    ),
})

/** Returns the exit code of the program. If it is 0 and something is not saved, returns the code of that failure. */
function codeAfter({ exitCode, unsaved, folderError, isCutShort, stoppedBy }: RunReport): number {
  if (exitCode !== 0) return exitCode
  const error = unsaved[0]?.error ?? folderError
  if (error !== undefined) return exitCodeOf(error.code)
  if (!isCutShort) return exitCodes.done
  return stoppedBy === 'SIGINT' ? exitCodes.interrupted : exitCodes.terminated
}
