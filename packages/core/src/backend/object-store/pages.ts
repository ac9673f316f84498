/** A piece of a list, and by what the next one is asked for: nothing, or an empty text, when it was the last. */
export interface Page<Item, Next> {
  readonly items: readonly Item[]
  readonly next: Next | undefined
}

/** The items of a list that the store gives in pages. */
export async function* itemsOf<Item, Next>(
  page: (from: Next | undefined) => Promise<Page<Item, Next>>,
): AsyncGenerator<Item, void, undefined> {
  let next: Next | undefined
  do {
    const answer = await page(next)
    yield* answer.items
    next = answer.next
  } while (next !== undefined && next !== '')
}
