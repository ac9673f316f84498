interface PagesOptions {
  /** The page that is shown, from 0 on. */
  readonly current: number
  readonly pages: number
  readonly onChoose: (page: number) => void
}

/** Buttons to turn the pages of a table. A table of one page has none. */
export function PagesOfTable({ current, pages, onChoose }: PagesOptions) {
  if (pages <= 1) return null
  return (
    <nav class="controls" aria-label="Pages of the table">
      <button
        type="button"
        disabled={current === 0}
        onClick={() => {
          onChoose(current - 1)
        }}
      >
        Previous
      </button>
      <output>
        {current + 1} of {pages}
      </output>
      <button
        type="button"
        disabled={current === pages - 1}
        onClick={() => {
          onChoose(current + 1)
        }}
      >
        Next
      </button>
    </nav>
  )
}
