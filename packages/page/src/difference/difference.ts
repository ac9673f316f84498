import { isDeepStrictEqual } from 'node:util'

/** What became of one named item from one checkpoint to another. `unchanged` items are the same in both. */
export interface Difference<Value> {
  readonly name: string
  readonly change: 'added' | 'removed' | 'changed' | 'unchanged'
  /** Absent if the item was added. */
  readonly before?: Value
  /** Absent if the item was removed. */
  readonly after?: Value
}

/** Compares items by their names. Returns those of `before` in their order, and then those that were added. */
export function differences<Value>(
  before: ReadonlyMap<string, Value>,
  after: ReadonlyMap<string, Value>,
  isSame: (one: Value, other: Value) => boolean = isDeepStrictEqual,
): readonly Difference<Value>[] {
  const kept = [...before].map(([name, value]): Difference<Value> => {
    const other = after.get(name)
    if (other === undefined) return { name, change: 'removed', before: value }
    return { name, change: isSame(value, other) ? 'unchanged' : 'changed', before: value, after: other }
  })
  const added = [...after].filter(([name]) => !before.has(name))
  return [
    ...kept,
    ...added.map(([name, value]): Difference<Value> => ({ name, change: 'added', after: value })),
  ]
}

/** Leaves out what is the same in both. */
export function changesOnly<Value>(all: readonly Difference<Value>[]): readonly Difference<Value>[] {
  return all.filter(({ change }) => change !== 'unchanged')
}
