import { formatMetric } from './text.ts'

/** Steps between the lowest and the highest row. */
const height = 8

/** Width of the numbers beside the curve, in columns. */
const labelWidth = 12

/** Draws a curve as wide as the terminal. Values that share a column are averaged. */
export function plot(values: readonly number[], columns: number = process.stdout.columns || 80): string {
  const points = averaged(values, Math.max(10, columns - labelWidth))
  const lowest = points.reduce((least, value) => Math.min(least, value), Infinity)
  const highest = points.reduce((most, value) => Math.max(most, value), -Infinity)
  const steps = highest > lowest ? height : 0
  const rowOf = (value: number): number =>
    steps === 0 ? 0 : Math.round(((value - lowest) / (highest - lowest)) * steps)
  const grid = Array.from({ length: steps + 1 }, () => points.map(() => ' '))
  const set = (row: number, column: number, character: string): void => {
    const line = grid[row]
    if (line !== undefined) line[column] = character
  }
  for (const [column, value] of points.entries()) {
    const row = rowOf(value)
    const before = rowOf(points[column - 1] ?? value)
    if (row === before) {
      set(row, column, '─')
      continue
    }
    const [low, high] = [Math.min(row, before), Math.max(row, before)]
    for (let between = low + 1; between < high; between += 1) set(between, column, '│')
    set(before, column, row > before ? '╯' : '╮')
    set(row, column, row > before ? '╭' : '╰')
  }
  const lines = grid.map((line, row) => {
    const value = steps === 0 ? lowest : lowest + ((highest - lowest) * row) / steps
    return `${formatMetric(value).padStart(labelWidth - 2)} ┤${line.join('')}`.trimEnd()
  })
  return lines.reverse().join('\n')
}

/** Returns at most `width` values. */
function averaged(values: readonly number[], width: number): readonly number[] {
  const perColumn = Math.max(1, values.length / width)
  return Array.from({ length: Math.min(width, values.length) }, (_, column) => {
    const part = values.slice(
      Math.floor(column * perColumn),
      Math.max(1, Math.floor((column + 1) * perColumn)),
    )
    return part.reduce((sum, value) => sum + value, 0) / part.length
  })
}
