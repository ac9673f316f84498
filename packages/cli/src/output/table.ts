import stringWidth from 'string-width'

export interface Column {
  readonly title: string
  readonly align?: 'left' | 'right' | undefined
}

const gap = '  '

/** Rows under titles, aligned by the width that a terminal gives each character, in time linear in the rows. */
export function formatTable(columns: readonly Column[], rows: readonly (readonly string[])[]): string {
  const lines = [columns.map(({ title }) => title), ...rows]
  const widths = columns.map((_, column) =>
    lines.reduce((widest, line) => Math.max(widest, stringWidth(line[column] ?? '')), 0),
  )
  return lines
    .map((line) =>
      line
        .map((text, column) => padded(text, widths[column] ?? 0, columns[column]?.align))
        .join(gap)
        .trimEnd(),
    )
    .join('\n')
}

function padded(text: string, width: number, align: Column['align'] = 'left'): string {
  const padding = ' '.repeat(Math.max(0, width - stringWidth(text)))
  return align === 'left' ? text + padding : padding + text
}
