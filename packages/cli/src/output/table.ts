import { visible } from './visible.ts'

export interface Column {
  readonly title: string
  readonly align?: 'left' | 'right' | undefined
  /** Whether the column may be omitted if the table is wider than the terminal. */
  readonly optional?: boolean | undefined
}

/** Minimum width of the last column. */
const leastNotes = 12

const gap = '  '

/**
 * Formats rows under titles, aligned by the width of each character on a terminal, in time linear in the rows. Text is
 * escaped before it is measured.
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

/**
 * Formats a table of at most `width` columns if possible. It omits optional columns from the right, then shortens the
 * last column. `hidden` lists the titles of the omitted columns.
 */
export async function fitTable(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  width: number,
): Promise<{ readonly text: string; readonly hidden: readonly string[] }> {
  const lines = [columns.map(({ title }) => title), ...rows].map((line) => line.map(visible))
  const widthOf = await measureFor(lines)
  const widths = columns.map((_, column) =>
    lines.reduce((widest, line) => Math.max(widest, widthOf(line[column] ?? '')), 0),
  )
  const last = columns.length - 1
  const isShown = columns.map(() => true)
  const room = (): number =>
    widths.reduce(
      (left, each, column) => (isShown[column] === true && column < last ? left - each - gap.length : left),
      width,
    )
  const needed = Math.min(leastNotes, widths[last] ?? 0)
  for (let column = last; column >= 0 && room() < needed; column -= 1)
    if (columns[column]?.optional === true) isShown[column] = false
  const forLast = Math.max(needed, room())
  const shown = <Item>(line: readonly Item[]): readonly Item[] => line.filter((_, column) => isShown[column])
  const cut = rows.map((row) => [
    ...row.slice(0, last),
    shortened(visible(row[last] ?? ''), forLast, widthOf),
  ])
  return {
    text: await formatTable(shown(columns), cut.map(shown)),
    hidden: columns.flatMap(({ title }, column) => (isShown[column] === true ? [] : [title])),
  }
}

function shortened(text: string, width: number, widthOf: (text: string) => number): string {
  if (widthOf(text) <= width) return text
  let kept = ''
  for (const character of text) {
    if (widthOf(kept + character) > width - 1) break
    kept += character
  }
  return `${kept.trimEnd()}…`
}

/** Each ASCII character takes one column. The package that measures other characters is slow to load. */
async function measureFor(lines: readonly (readonly string[])[]): Promise<(text: string) => number> {
  const isPlain = (text: string): boolean => /^[\x20-\x7e]*$/.test(text)
  if (lines.every((line) => line.every(isPlain))) return (text) => text.length
  const { default: stringWidth } = await import('string-width')
  return stringWidth
}
