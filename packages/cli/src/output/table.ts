import { visible } from './visible.ts'

export interface Column {
  readonly title: string
  readonly align?: 'left' | 'right' | undefined
}

const gap = '  '

/**
 * Rows under titles, aligned by the width that a terminal gives each character, in time linear in the rows. What a
 * terminal would obey is escaped, so that it is measured as it is shown.
 */
export async function formatTable(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
): Promise<string> {
  const lines = [columns.map(({ title }) => title), ...rows].map((line) => line.map(visible))
  const widthOf = await measureFor(lines)
  const widths = columns.map((_, column) =>
    lines.reduce((widest, line) => Math.max(widest, widthOf(line[column] ?? '')), 0),
  )
  const padded = (text: string, column: number): string => {
    const padding = ' '.repeat(Math.max(0, (widths[column] ?? 0) - widthOf(text)))
    return columns[column]?.align === 'right' ? padding + text : text + padding
  }
  return lines.map((line) => line.map(padded).join(gap).trimEnd()).join('\n')
}

/** Of ASCII each character has one column. What measures all others takes longer to load than a command to run. */
async function measureFor(lines: readonly (readonly string[])[]): Promise<(text: string) => number> {
  const isPlain = (text: string): boolean => /^[\x20-\x7e]*$/.test(text)
  if (lines.every((line) => line.every(isPlain))) return (text) => text.length
  const { default: stringWidth } = await import('string-width')
  return stringWidth
}
