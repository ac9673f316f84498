import { recordWithout } from '../../judging/recorded-keeping.ts'
import { type KindOfChange, unchangedLists } from './change.ts'

/** Removes an objective from those that the catalog records. */
export interface ForgetObjective {
  readonly kind: 'forget objective'
  readonly name: string
}

export const forgetObjective: KindOfChange<ForgetObjective> = {
  needsWhole: () => false,
  apply: (catalog, { name }) => {
    const record = recordWithout(name, catalog.keeping)
    return record.kind === 'refused' ? record : { ...unchangedLists(catalog), keeping: record.keeping }
  },
  describe: ({ name }) => `forget objective ${name}`,
}
