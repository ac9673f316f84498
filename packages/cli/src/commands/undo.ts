import { formatSize, isHoldfastError, type RemovedCheckpoint, type UndoneCheckpoint } from '@holdfast/core'
import { parseSteps } from '../parsing/arguments.ts'
import { defineCommand } from '../declare/command.ts'
import { argument, flag } from '../declare/declaration.ts'
import { exitCodes } from '../exit-codes.ts'
import { withHint } from '../output/hints.ts'
import type { Printer } from '../output/printer.ts'
import { adviceToPin, formatAge, joined, stepsText } from '../output/text.ts'
import { type CommandContext, withStore } from '../with-store.ts'

export const undo = defineCommand({
  example: 'holdfast undo --dry-run',
  arguments: [
    argument('[step...]', 'the steps to list again; default: all of the last rm or prune', parseSteps),
  ],
  options: { dryRun: flag('show what would be listed again and what else can be, and change nothing') },
  run: async ({ arguments: [steps], options, signal }) =>
    withStore(options, signal, async ({ store, printer }) => {
      const { dryRun = false } = options
      const undone = await planned(dryRun, { store, printer, signal }, () =>
        store.undo({ ...(steps.length > 0 && { steps }), dryRun, signal }),
      )
      for (const each of undone) printer.line(joined(effectOn(each, dryRun), factsOf(each)))
      printFate(undone, printer)
      const others = await othersThan(undone, dryRun, { store, printer, signal })
      for (const each of dryRun ? (others ?? []) : [])
        printer.line(joined(`step ${each.step} can be undone, too`, factsOf(each), untilText(each)))
      printer.data({ type: 'result', command: 'undo', dryRun, undone, others })
      return exitCodes.done
    }),
})

/** In a dry run that fails, prints which checkpoints are removed, so that others can be named. */
async function planned<Undone>(
  dryRun: boolean,
  { store, printer, signal }: Pick<CommandContext, 'store' | 'printer' | 'signal'>,
  undoing: () => Promise<Undone>,
): Promise<Undone> {
  try {
    return await undoing()
  } catch (error) {
    if (dryRun && isHoldfastError(error, 'ALREADY_EXISTS', 'CORRUPT', 'NOT_FOUND'))
      for (const each of await store.removed({ signal }))
        printer.line(joined(`step ${each.step} is removed`, factsOf(each), untilText(each)))
    throw error
  }
}

/** Returns what else can be undone. If that cannot be read after an undo, the undo has succeeded all the same. */
async function othersThan(
  undone: readonly UndoneCheckpoint[],
  dryRun: boolean,
  { store, printer, signal }: Pick<CommandContext, 'store' | 'printer' | 'signal'>,
): Promise<readonly RemovedCheckpoint[] | undefined> {
  try {
    const removed = await store.removed({ signal })
    return removed.filter((each) => !undone.some((one) => isSame(one, each)))
  } catch (error) {
    if (dryRun || !isHoldfastError(error)) throw error
    printer.note(`The other checkpoints that can be undone could not be read: ${withHint(error)}`)
    return undefined
  }
}

function effectOn({ step, isAbandoned }: UndoneCheckpoint, dryRun: boolean): string {
  const [would, done] = isAbandoned
    ? ['would be abandoned', 'is abandoned']
    : ['would be listed', 'is listed']
  return `step ${step} ${dryRun ? would : done} again`
}

function factsOf({ bytes, because, removedAt }: RemovedCheckpoint): string {
  return joined(formatSize(bytes), `removed ${formatAge(removedAt, new Date())}, ${because}`)
}

function untilText({ undoUntil }: RemovedCheckpoint): string {
  return `until ${undoUntil.toISOString()}`
}

/** Prints which checkpoints the next save drops again, because its retention has not changed. */
function printFate(undone: readonly UndoneCheckpoint[], printer: Printer): void {
  const dropped = undone.flatMap(({ step, nextDropBecause }) => (nextDropBecause === undefined ? [] : [step]))
  if (dropped.length === 0) return
  printer.line(`The next save drops ${stepsText(dropped)} again, for good. ${adviceToPin(dropped)}`)
}

function isSame(one: RemovedCheckpoint, other: RemovedCheckpoint): boolean {
  return one.step === other.step && one.removedAt.getTime() === other.removedAt.getTime()
}
