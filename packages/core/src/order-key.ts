/**
 * The position of a save in the order of all saves of a store. A higher segment is later. Within one segment, a higher
 * base is later. The base is the version of the catalog that was known when the save began. If keys are equal, the
 * higher step is later.
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

/** Compares checkpoints in the order of saves, which decides what `latest` means. Negative if `one` is earlier. */
export function compareSaves(one: Ordered, other: Ordered): number {
  return compareOrders(one.order, other.order) || one.step - other.step
}

/** Returns the latest of these checkpoints in the order of saves; `undefined` if there are none. */
export function latestOf<Item extends Ordered>(items: Iterable<Item>): Item | undefined {
  let latest: Item | undefined
  for (const item of items) if (latest === undefined || compareSaves(item, latest) > 0) latest = item
  return latest
}

/** Compares order keys. Negative if the save of `one` began earlier, and 0 if the keys are equal. */
export function compareOrders(one: OrderKey, other: OrderKey): number {
  return one.segment - other.segment || one.base - other.base
}
