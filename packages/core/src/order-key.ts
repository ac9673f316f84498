/**
 * When a save began, in the order of all saves of a store: a higher segment is later; in one segment, a higher base. The
 * base is the version of the catalog that was known when the save began. Of equal keys, the higher step is later.
 */
export interface OrderKey {
  readonly segment: number
  readonly base: number
}

/** Negative if the save of `one` began before that of `other`, positive if after, and 0 if the keys are equal. */
export function compareOrders(one: OrderKey, other: OrderKey): number {
  return one.segment - other.segment || one.base - other.base
}
