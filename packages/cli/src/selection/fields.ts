import { HoldfastError } from '@holdfast/core'

/** The numbers of a listed item by name, such as `step`, `size` or a metric. */
export type Fields = ReadonlyMap<string, number>

/** Throws `INVALID_ARGUMENT` if no item has a field. Any name is accepted if there are no items. */
export function assertKnown(name: string, items: readonly Fields[], always: readonly string[]): void {
  if (items.length === 0 || always.includes(name) || items.some((fields) => fields.has(name))) return
  const known = new Set([...always, ...items.flatMap((fields) => [...fields.keys()])])
  throw new HoldfastError(
    'INVALID_ARGUMENT',
    `Nothing in the list has a field ${JSON.stringify(name)}. Choose one of: ${[...known].join(', ')}.`,
  )
}
