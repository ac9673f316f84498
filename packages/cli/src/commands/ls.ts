import { formatSize, type JudgedCheckpoint } from '@holdfast/core'
import { defineCommand } from '../declare/command.ts'
import { option } from '../declare/declaration.ts'
import { exitCodes } from '../exit-codes.ts'
import { chooseColumns, parseColumns } from '../output/checkpoint-columns.ts'
import { fitTable } from '../output/table.ts'
import { count, joined } from '../output/text.ts'
import { findUnfinishedJoint, unfinishedJointText, unfinishedLines } from '../output/unfinished.ts'
import { selectCheckpoints, selectionOptions } from '../selection/checkpoints.ts'
import { withStore } from '../with-store.ts'

export const ls = defineCommand({
  example: 'holdfast ls',
  arguments: [],
  options: {
    ...selectionOptions,
    columns: option(
      '<names>',
      'the columns of the table, such as "step,val_loss,size"; ~NAME is the value of an objective',
      parseColumns,
    ),
  },
  run: async ({ options, signal }) =>
    withStore(options, signal, async ({ store, printer }) => {
      const all = await store.list({ orderBy: 'saves', signal })
      const checkpoints = selectCheckpoints(all, options, new Date())
      const quarantined = await store.quarantined({ signal })
      const abandoned = await store.abandoned({ signal })
      if (all.length + quarantined.length + abandoned.length === 0) {
        printer.line(
          `No checkpoint in ${store.url} yet. The first save creates the store: holdfast save FILE --step 0`,
        )
      } else {
        if (checkpoints.length > 0 && !printer.json) {
          const { text, hidden } = await table(
            options.sort === undefined ? checkpoints.toReversed() : checkpoints,
            { columns: options.columns, now: new Date() },
          )
          printer.lines(text)
          if (hidden.length > 0)
            printer.line(
              `The terminal is too narrow for ${hidden.join(', ')}. Show all metrics with holdfast metrics.`,
            )
        }
        for (const each of abandoned) printer.line(abandonedText(each))
        for (const { step, reason } of quarantined) printer.line(`step ${step} is quarantined: ${reason}`)
      }
      const free = printer.json ? undefined : await freeText(store.backend, signal)
      const bytes = checkpoints.reduce((sum, checkpoint) => sum + checkpoint.bytes, 0)
      if (all.length > 0) {
        const number =
          checkpoints.length === all.length
            ? count(all.length, 'checkpoint')
            : `${checkpoints.length} of ${count(all.length, 'checkpoint')}`
        printer.line(joined(number, formatSize(bytes), free, store.url))
      }
      const unfinished = await store.unfinishedSaves({ signal })
      const unfinishedJoint = await findUnfinishedJoint(store, printer, signal)
      for (const line of unfinishedLines(unfinished, unfinishedJoint)) printer.line(line)
      for (const each of unfinishedJoint) printer.line(unfinishedJointText(each, new Date()))
      for (const checkpoint of checkpoints) printer.data({ type: 'checkpoint', ...checkpoint })
      for (const each of abandoned) printer.data({ type: 'abandoned', ...each })
      for (const aside of quarantined) printer.data({ type: 'quarantined', ...aside })
      printer.data({
        type: 'result',
        command: 'ls',
        checkpoints: checkpoints.length,
        bytes,
        unfinished,
        unfinishedJoint,
        url: store.url,
      })
      return exitCodes.done
    }),
})

async function table(
  checkpoints: readonly JudgedCheckpoint[],
  { columns, now }: { readonly columns: readonly string[] | undefined; readonly now: Date },
): ReturnType<typeof fitTable> {
  const chosen = chooseColumns(checkpoints, columns, now)
  const rows = checkpoints.map((checkpoint) => chosen.map(({ textOf }) => textOf(checkpoint)))
  return fitTable(chosen, rows, process.stdout.isTTY ? process.stdout.columns : Infinity)
}

/** Returns the line of an abandoned checkpoint, which states whether it stays. */
function abandonedText({ step, bytes, keptBecause }: JudgedCheckpoint): string {
  const fate = keptBecause.length > 0 ? `It stays: ${keptBecause.join(', ')}.` : 'The next save drops it.'
  return `step ${step} (${formatSize(bytes)}) is abandoned by a rewind. ${fate}`
}

async function freeText(
  backend: { freeSpace(options: { signal: AbortSignal }): Promise<{ kind: string; available?: number }> },
  signal: AbortSignal,
): Promise<string | undefined> {
  const { available } = await backend.freeSpace({ signal })
  return available === undefined ? undefined : `${formatSize(available)} free`
}
