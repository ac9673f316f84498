/**
 * When a save began, in the order of all saves of a store: a higher segment is later; in one segment, a higher base. The
 * base is the version of the catalog that was known when the save began. Of equal keys, the higher step is later.
 */
export interface OrderKey {
  readonly segment: number
  readonly base: number
}

/** A checkpoint in the order of saves. */
interface Ordered {
  readonly step: number
  readonly order: OrderKey
}

/** Negative if `one` is earlier in the order of saves than `other`, which decides what `latest` means. */
export function compareSaves(one: Ordered, other: Ordered): number {
  return compareOrders(one.order, other.order) || one.step - other.step
}

/** Returns the latest of some checkpoints in the order of saves; `undefined` if there is none. */
export function latestOf<Item extends Ordered>(items: Iterable<Item>): Item | undefined {
  let latest: Item | undefined
  for (const item of items) if (latest === undefined || compareSaves(item, latest) > 0) latest = item
  return latest
}

/** Negative if the save of `one` began before that of `other`, positive if after, and 0 if the keys are equal. */
export function compareOrders(one: OrderKey, other: OrderKey): number {
  return one.segment - other.segment || one.base - other.base
}
