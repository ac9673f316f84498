import type { TensorsOfFile } from '@holdfast/core'
import type { Printer } from './printer.ts'
import { formatTable } from './table.ts'
import { count, joined } from './text.ts'

/** Prints a table of the tensors of each file. */
export async function printTensors(printer: Printer, files: readonly TensorsOfFile[]): Promise<void> {
  for (const each of files) {
    if (each.format === 'unknown') continue
    printer.line('')
    if (each.format === 'malformed') {
      printer.line(joined(each.file, `its tensors cannot be read: ${each.why}`))
      continue
    }
    const { file, format, tensors } = each
    const numbers = tensors.reduce((sum, { shape }) => sum + elementsOf(shape), 0)
    printer.line(
      joined(file, `${format} file`, count(tensors.length, 'tensor'), `${grouped(numbers)} numbers`),
    )
    if (tensors.length === 0) continue
    printer.lines(
      await formatTable(
        [{ title: 'TENSOR' }, { title: 'TYPE' }, { title: 'SHAPE' }],
        tensors.map(({ name, type, shape }) => [name, type, shapeText(shape)]),
      ),
    )
  }
  const others = files.filter(({ format }) => format === 'unknown').map(({ file }) => file)
  if (others.length === 0) return
  printer.line('')
  printer.line(`No tensors are read of ${namesText(others)}: neither safetensors nor torch files.`)
}

/** Maximum number of files that are named. */
const mostNamed = 5

function namesText(names: readonly string[]): string {
  if (names.length <= mostNamed) return names.join(', ')
  return `${names.slice(0, mostNamed).join(', ')} and ${names.length - mostNamed} more`
}

/** A number has the shape `[]`. */
export function shapeText(shape: readonly number[]): string {
  return `[${shape.join(', ')}]`
}

function elementsOf(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1)
}

function grouped(number: number): string {
  return number.toLocaleString('en-US')
}
