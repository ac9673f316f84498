import { HoldfastError } from '@holdfast/core'
import { parseNumber } from '../names/name-facts.ts'

/** Metrics by step, and by the path of a checkpoint. */
export interface MetricsTable {
  readonly bySteps: ReadonlyMap<number, Readonly<Record<string, number>>>
  readonly byNames: ReadonlyMap<string, Readonly<Record<string, number>>>
}

const nameColumns = ['name', 'file', 'checkpoint']
const counters = ['step', 'epoch', ...nameColumns]

/**
 * Parses a CSV of metrics with a header. Merges the lines of one step, because loggers write a line for each kind of
 * metric. Ignores cells that are not numbers. Throws `INVALID_ARGUMENT` without a column `step` or `name`.
 */
export function parseMetricsCsv(text: string, where: string): MetricsTable {
  const [header = [], ...lines] = parseCsv(text)
  const stepColumn = header.indexOf('step')
  const nameColumn = header.findIndex((column) => nameColumns.includes(column))
  if (stepColumn === -1 && nameColumn === -1) {
    throw new HoldfastError(
      'INVALID_ARGUMENT',
      `${where} has no column "step" or "name" (found: ${header.join(', ')}). Add one that says which checkpoint a line is about.`,
    )
  }
  const bySteps = new Map<number, Readonly<Record<string, number>>>()
  const byNames = new Map<string, Readonly<Record<string, number>>>()
  for (const line of lines) {
    const metrics = metricsIn(header, line)
    const step = line[stepColumn] ?? ''
    const name = line[nameColumn] ?? ''
    if (/^\d+$/.test(step)) bySteps.set(Number(step), { ...bySteps.get(Number(step)), ...metrics })
    if (name !== '') byNames.set(name, { ...byNames.get(name), ...metrics })
  }
  return { bySteps, byNames }
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
