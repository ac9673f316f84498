import { formatSize, stringifyJson } from '@holdfast/core'
import { defineCommand } from '../declare/command.ts'
import { flag } from '../declare/declaration.ts'
import { exitCodes } from '../exit-codes.ts'
import { choiceArgument } from '../options/checkpoint-arguments.ts'
import { styled } from '../output/printer.ts'
import { formatTable } from '../output/table.ts'
import { count, formatAge, formatMetric, joined } from '../output/text.ts'
import { notes } from '../output/checkpoint-columns.ts'
import { printTensors } from '../output/tensors.ts'
import { findUnfinishedJoint, unfinishedJointText } from '../output/unfinished.ts'
import { requireCheckpoint } from '../selection/require-checkpoint.ts'
import { type CommandContext, withStore } from '../with-store.ts'

export const show = defineCommand({
  example: 'holdfast show latest',
  arguments: [choiceArgument],
  options: {
    tensors: flag('show the names, types and shapes of the tensors in safetensors and torch files'),
  },
  run: async ({ arguments: [choice], options, signal }) =>
    withStore(options, signal, async (context) => {
      const { printer } = context
      const checkpoint = await requireCheckpoint(context, choice).catch(async (error: unknown) => {
        await noteUnfinished(context, choice)
        throw error
      })
      const { step, epoch, bytes, savedAt, metrics, files, metadata, dataState } = checkpoint
      printer.line(
        styled('bold', `step ${step}`),
        ' · ',
        joined(
          epoch !== undefined && `epoch ${epoch}`,
          `${count(files.length, 'file')}, ${formatSize(bytes)}`,
          `saved ${formatAge(savedAt, new Date())} (${savedAt.toISOString()})`,
          notes(checkpoint),
        ),
      )
      for (const [name, value] of Object.entries(metrics)) printer.line(`  ${name} = ${formatMetric(value)}`)
      if (metadata !== undefined) printer.line(`  metadata ${stringifyJson(metadata)}`)
      if (dataState !== undefined) printer.line(`  data state ${stringifyJson(dataState)}`)
      printer.line('')
      printer.lines(
        await formatTable(
          [{ title: 'FILE' }, { title: 'SIZE', align: 'right' }, { title: 'SHA-256' }],
          files.map((file) => [file.name, formatSize(file.size), file.sha256]),
        ),
      )
      const tensors = options.tensors === true ? await context.store.tensors(step, { signal }) : undefined
      if (tensors !== undefined && !printer.json) await printTensors(printer, tensors)
      if (choice === 'latest') await noteUnfinished(context, choice)
      printer.data({ type: 'result', command: 'show', ...checkpoint, ...(tensors && { tensors }) })
      return exitCodes.done
    }),
})

/** Prints a note if the ranks of a job have not saved the chosen step completely, or a step after the latest. */
async function noteUnfinished({ store, printer, signal }: CommandContext, choice: string): Promise<void> {
  for (const each of await findUnfinishedJoint(store, printer, signal))
    if (choice === 'latest' || choice === String(each.step))
      printer.note(unfinishedJointText(each, new Date()))
}
