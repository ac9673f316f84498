import asciichart from 'asciichart'
import { formatMetric } from './text.ts'

const height = 8

/** Columns that the numbers beside the curve take. */
const labelWidth = 12

/** A curve as wide as the terminal; more values than columns are averaged by the column. */
export function plot(values: readonly number[], columns: number = process.stdout.columns || 80): string {
  const width = Math.max(10, columns - labelWidth)
  const perColumn = Math.max(1, values.length / width)
  const points = Array.from({ length: Math.min(width, values.length) }, (_, column) => {
    const part = values.slice(
      Math.floor(column * perColumn),
      Math.max(1, Math.floor((column + 1) * perColumn)),
    )
    return part.reduce((sum, value) => sum + value, 0) / part.length
  })
  return asciichart.plot(points, {
    height,
    format: (value) => formatMetric(value).padStart(labelWidth - 2),
  })
}
