import type { DifferencePage } from '../src/checkpoint-page.ts'
import { Table } from './table.tsx'
import { count } from './text.ts'

/** How two checkpoints differ. */
export function Difference({ page }: { readonly page: DifferencePage }) {
  const { before, after, groups, sameFiles, hasSameDataState } = page
  return (
    <section aria-label={`Step ${before} compared with step ${after}`}>
      <h2>
        Step {before} → step {after}
      </h2>
      <p class="muted">
        {count(sameFiles, 'file')} the same
        {hasSameDataState ? '' : '; the position in the data differs'}
        {groups.length === 0 ? '; nothing else differs' : ''}
      </p>
      {groups.map(({ title, items }) => (
        <Table
          key={title}
          id={`difference-${title}`}
          title={`${title} that differ`}
          level={3}
          columns={['Change', 'Name', `Step ${before}`, `Step ${after}`]}
          rows={items.shown.map(({ change, name, before: left = '', after: right = '' }) => [
            change,
            name,
            left,
            right,
          ])}
          more={items.more}
        />
      ))}
    </section>
  )
}
