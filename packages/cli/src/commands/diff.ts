import { type CheckpointDetails, formatSize, stringifyJson } from '@holdfast/core'
import { defineCommand } from '../declare/command.ts'
import { argument, flag, text } from '../declare/declaration.ts'
import {
  changesOnly,
  type CheckpointDifference,
  type ComparedTensor,
  type Difference,
  differenceOf,
  tensorDifferences,
} from '@holdfast/page/analysis'
import { exitCodes } from '../exit-codes.ts'
import { choices } from '../options/checkpoint-arguments.ts'
import type { Printer } from '../output/printer.ts'
import { shapeText } from '../output/tensors.ts'
import { formatTable } from '../output/table.ts'
import { count, formatMetric, joined } from '../output/text.ts'
import { requireCheckpoint } from '../selection/require-checkpoint.ts'
import { withStore } from '../with-store.ts'

export const diff = defineCommand({
  example: 'holdfast diff best:loss latest',
  arguments: [
    argument('<before>', choices, text),
    argument('<after>', `the checkpoint to compare it with: ${choices}`, text),
  ],
  options: { tensors: flag('also compare the names, types and shapes of tensors') },
  run: async ({ arguments: [first, second], options, signal }) =>
    withStore(options, signal, async (context) => {
      const { printer, store } = context
      const before = await requireCheckpoint(context, first)
      const after = await requireCheckpoint(context, second)
      const found = differenceOf(before, after)
      const [ofBefore, ofAfter] =
        options.tensors === true
          ? await Promise.all([store.tensors(before.step, { signal }), store.tensors(after.step, { signal })])
          : []
      const tensors = ofBefore && ofAfter ? tensorDifferences(ofBefore, ofAfter) : undefined
      if (!printer.json) {
        printer.line(joined(`step ${before.step} → step ${after.step}`, ageText(before, after)))
        await printDifference(printer, found)
        if (tensors !== undefined) await printTensors(printer, tensors)
      }
      const steps = { before: before.step, after: after.step }
      printer.data({
        type: 'result',
        command: 'diff',
        ...steps,
        ...found,
        ...(tensors && { tensors: changesOnly(tensors) }),
      })
      return exitCodes.done
    }),
})

function ageText(before: CheckpointDetails, after: CheckpointDetails): string {
  const [one, other] = [formatSize(before.bytes), formatSize(after.bytes)]
  return one === other ? one : `${one} → ${other}`
}

type Row = readonly [string, string, string]

async function printDifference(printer: Printer, found: CheckpointDifference): Promise<void> {
  const { files, metrics, tags, metadata, hasSameDataState } = found
  const changed = changesOnly(files)
  await printRows(
    printer,
    'FILE',
    changed.map((each) => [marks[each.change], each.name, arrow(each, ({ size }) => formatSize(size))]),
  )
  const same = files.length - changed.length
  if (same > 0) printer.line(`${count(same, 'file')} ${same === 1 ? 'is' : 'are'} the same`)
  await printRows(
    printer,
    'METRIC',
    metrics.map((each) => [marks[each.change], each.name, arrow(each, formatMetric)]),
  )
  await printRows(
    printer,
    'METADATA',
    metadata.map((each) => [marks[each.change], each.name, arrow(each, jsonText)]),
  )
  await printRows(
    printer,
    'TAG',
    tags.map(({ change, name }) => [marks[change], name, '']),
  )
  if (!hasSameDataState) printer.line('the position in the data differs')
}

async function printTensors(printer: Printer, all: readonly Difference<ComparedTensor>[]): Promise<void> {
  const changed = changesOnly(all)
  await printRows(
    printer,
    'TENSOR',
    changed.map((each) => [
      marks[each.change],
      each.name,
      arrow(each, ({ type, shape }) => `${type} ${shapeText(shape)}`),
    ]),
  )
  const same = all.length - changed.length
  if (same > 0)
    printer.line(`${count(same, 'tensor')} ${same === 1 ? 'has' : 'have'} the same type and shape`)
}

const marks = { added: '+', removed: '-', changed: '~', unchanged: ' ' } as const

async function printRows(printer: Printer, title: string, rows: readonly Row[]): Promise<void> {
  if (rows.length === 0) return
  printer.line('')
  printer.lines(await formatTable([{ title: ' ' }, { title }, { title: 'CHANGE' }], rows))
}

function arrow<Value>({ before, after }: Difference<Value>, textOf: (value: Value) => string): string {
  return [before, after].flatMap((value) => (value === undefined ? [] : [textOf(value)])).join(' → ')
}

/** Longer values are shortened. `--json` has them whole. */
const mostCharacters = 60

function jsonText(value: unknown): string {
  const json = stringifyJson(value)
  return json.length <= mostCharacters ? json : `${json.slice(0, mostCharacters - 1)}…`
}
