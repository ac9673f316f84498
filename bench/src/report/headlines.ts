import type { Question, Verdict, WorkResult } from '../harness/work.ts'
import type { Findings } from './findings.ts'

/** A row of the first table: what a user asks about one kind of store. */
export interface HeadlineRow {
  readonly question: Question
  readonly place: string
  readonly work: WorkResult
  /** The first comparison of the times. */
  readonly time: Verdict | undefined
  /** The first comparison of the processor times. */
  readonly processor: Verdict | undefined
}

const questions: readonly Question[] = [
  'Save a large file',
  'Restore a large file',
  'Save many small files',
  'Restore many small files',
  'Save a small checkpoint',
]

/** Returns the works that have a headline, ordered by question. */
export function headlinesOf({ groups }: Pick<Findings, 'groups'>): readonly HeadlineRow[] {
  const rows = groups
    .flatMap(({ works }) => works)
    .flatMap((work): readonly HeadlineRow[] => {
      if (work.headline === undefined) return []
      const ratios = work.verdicts.filter(({ kind }) => kind === 'ratio')
      const time = ratios.find(({ measured }) => measured === undefined)
      const processor = ratios.find(({ measured }) => measured === 'processor')
      return [{ ...work.headline, work, time, processor }]
    })
  return rows.toSorted((one, other) => questions.indexOf(one.question) - questions.indexOf(other.question))
}

/** Whether a value reaches its goal. `undefined` without a goal. */
export function isReached({ value, atMost }: Verdict): boolean | undefined {
  return atMost === undefined ? undefined : value <= atMost
}
