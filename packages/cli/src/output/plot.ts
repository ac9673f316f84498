import asciichart from 'asciichart'
import { formatMetric } from './text.ts'

const height = 8

/** Width of the numbers beside the curve, in columns. */
const labelWidth = 12

/** Draws a curve as wide as the terminal. Values that share a column are averaged. */
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
