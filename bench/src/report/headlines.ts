import type { Headline, Question, Role, Verdict } from '../harness/work.ts'
import type { Findings } from './findings.ts'

/** A row of the first table: what a user asks about one kind of store. */
export interface HeadlineRow extends Headline {
  readonly time: Verdict | undefined
  /** The comparison of processor times: with a peer that computes a digest if there is one, otherwise with another peer. */
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
      const verdictOf = (wanted: Role): Verdict | undefined =>
        work.verdicts.find(({ role }) => role === wanted)
      const processor = verdictOf('digest peer') ?? verdictOf('other peer')
      return [{ ...work.headline, time: verdictOf('time'), processor }]
    })
  return rows.toSorted((one, other) => questions.indexOf(one.question) - questions.indexOf(other.question))
}

/** Whether a value reaches its goal. `undefined` without a goal. */
export function isReached({ value, atMost }: Verdict): boolean | undefined {
  return atMost === undefined ? undefined : value <= atMost
}
