/**
 * Sorts items by a number, the lowest first, or the highest first if `reverse`. Items without the number, or with NaN,
 * come last in either case. Items with the same number keep their order.
 */
export function sortedBy<Item>(
  items: readonly Item[],
  numberOf: (item: Item) => number | undefined,
  reverse: boolean,
): readonly Item[] {
  const sign = reverse ? -1 : 1
  const isMissing = (item: Item): boolean => Number.isNaN(numberOf(item) ?? Number.NaN)
  return items.toSorted((one, other) => {
    if (isMissing(one) || isMissing(other)) return Number(isMissing(one)) - Number(isMissing(other))
    const [left = 0, right = 0] = [numberOf(one), numberOf(other)]
    return left === right ? 0 : sign * (left < right ? -1 : 1)
  })
}
