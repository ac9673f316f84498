import { useState } from 'preact/hooks'
import { shortened } from './text.ts'

/** Rows that are shown until a person asks for more. */
const firstRows = 50

export interface TableOptions {
  readonly id: string
  readonly title: string
  readonly level?: 2 | 3
  readonly columns: readonly string[]
  readonly rows: readonly (readonly string[])[]
  /** How many more rows there are, which the page does not have. */
  readonly more: number
}

/** A table of texts, which shows its first rows. */
export function Table({ id, title, level = 2, columns, rows, more }: TableOptions) {
  const [isWhole, setWhole] = useState(false)
  const Heading = `h${level}` as const
  const shown = isWhole ? rows : rows.slice(0, firstRows)
  return (
    <section>
      <Heading id={id}>
        <bdi>{title}</bdi>
      </Heading>
      <div class="scroll" role="region" aria-label={title} tabIndex={0}>
        <table class="texts">
          <thead>
            <tr>
              {columns.map((column) => (
                <th key={column} scope="col">
                  {column}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {shown.map((cells, row) => (
              <tr key={row}>
                {cells.map((cell, column) => (
                  <td key={columns[column] ?? column}>
                    <bdi>{shortened(cell)}</bdi>
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {rows.length > shown.length && (
        <button
          type="button"
          onClick={() => {
            setWhole(true)
          }}
        >
          Show {rows.length - shown.length} more
        </button>
      )}
      {more > 0 && <p class="muted">{more.toLocaleString('en')} more are not shown</p>}
    </section>
  )
}
