import { HoldfastError } from '@holdfast/core'
import { countOf, parseNumber } from '../names/name-facts.ts'

/** One line of a CSV of metrics. What it has not is `undefined`. */
export interface MetricsLine {
  readonly step: number | undefined
  readonly epoch: number | undefined
  /** The path of a checkpoint. */
  readonly name: string | undefined
  readonly metrics: Readonly<Record<string, number>>
}

const nameColumns = ['name', 'file', 'checkpoint']
const counters = ['step', 'epoch', ...nameColumns]

/**
 * Parses a CSV of metrics with a header. Ignores cells that are not numbers. Throws `INVALID_ARGUMENT` without a column
 * `step` or `name`.
 */
export function parseMetricsCsv(text: string, where: string): readonly MetricsLine[] {
  const [header = [], ...lines] = parseCsv(text)
  const nameColumn = header.findIndex((column) => nameColumns.includes(column))
  if (!header.includes('step') && nameColumn === -1) {
    throw new HoldfastError(
      'INVALID_ARGUMENT',
      `${where} has no column "step" or "name" (found: ${header.join(', ')}). Add one that says which checkpoint a line is about.`,
    )
  }
  return lines.map((line) => ({
    step: countIn(line[header.indexOf('step')]),
    epoch: countIn(line[header.indexOf('epoch')]),
    name: line[nameColumn],
    metrics: metricsIn(header, line),
  }))
}

/** Reads a count, also as pandas writes it in a column with empty cells: `100.0`. */
function countIn(cell = ''): number | undefined {
  return /^\d+(\.0*)?$/.test(cell) ? countOf(Number(cell)) : undefined
}

function metricsIn(header: readonly string[], line: readonly string[]): Readonly<Record<string, number>> {
  const metrics = header.flatMap((column, index): [string, number][] => {
    const cell = line[index]?.trim() ?? ''
    if (cell === '' || column === '' || counters.includes(column)) return []
    const value = parseNumber(cell)
    return Number.isNaN(value) && cell.toLowerCase() !== 'nan' ? [] : [[column, value]]
  })
  return Object.fromEntries(metrics)
}

/** Returns the cells of each line by RFC 4180. A quoted cell may contain commas, line breaks and doubled quotes. */
function parseCsv(text: string): readonly (readonly string[])[] {
  const lines: string[][] = []
  let line: string[] = []
  for (const match of text.replace(/^\uFEFF/, '').matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n|$)/g)) {
    const [whole, quoted, plain = '', end] = match
    if (whole === '' && line.length === 0) break
    line.push(quoted === undefined ? plain.trim() : quoted.replaceAll('""', '"'))
    if (end === ',') continue
    if (line.some((cell) => cell !== '')) lines.push(line)
    line = []
    if (end === '') break
  }
  return lines
}
