/**
 * Returns the items in the order of a round. Over as many rounds as there are items, each item has each position equally often.
 * Over twice as many rounds, each also follows each other one equally often: a balanced Latin square, see
 * https://en.wikipedia.org/wiki/Latin_square#Balanced_Latin_squares
 */
export function turnsOf<T>(items: readonly T[], round: number): readonly T[] {
  const count = items.length
  const turns = items.flatMap((_, position) => items[(zigzag(position, count) + round) % count] ?? [])
  // With an odd number, only the reverse of each order balances who follows whom.
  return count % 2 === 1 && Math.floor(round / count) % 2 === 1 ? turns.toReversed() : turns
}

/** Returns 0, the last, 1, the last but one, 2 and so on. */
function zigzag(position: number, count: number): number {
  return position % 2 === 0 ? position / 2 : count - (position + 1) / 2
}
