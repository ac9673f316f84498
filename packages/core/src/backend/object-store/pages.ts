import { compareKeys } from '../key.ts'
import { foreignAnswer } from './answers.ts'
import { requestWithRetry, type RequestContext } from './request-with-retry.ts'
import type { RequestInfo } from './request-info.ts'

/** A piece of a list, and by what the next one is asked for: nothing, or an empty text, when it was the last. */
export interface Page<Item, Next> {
  readonly items: readonly Item[]
  readonly next: Next | undefined
}

/** A list that the store gives in pages. */
export interface ListInPages<Item, Next> {
  /** Makes one request once, and rejects with what the SDK throws. */
  readonly page: (from: Next | undefined) => Promise<Page<Item, Next>>
  /** What the names of the items must be, where the store lists them in the order of names. */
  readonly order?:
    | {
        readonly nameOf: (item: Item) => string
        /** Every name begins so. */
        readonly prefix: string
        /** Every name comes after this one. */
        readonly after: string
      }
    | undefined
}

/** Pages without items that follow one another at most. A store may give some while it looks through what was deleted. */
const maxEmptyPages = 1000

/**
 * The items of a list, page by page. A page that contradicts those before it, or what was asked for, is asked for again,
 * and at last rejected with `UNAVAILABLE`: names in another order, or a next page that was there before.
 */
export async function* itemsOf<Item, Next>(
  context: RequestContext,
  asked: RequestInfo,
  { page, order }: ListInPages<Item, Next>,
): AsyncGenerator<Item, void, undefined> {
  const seen = new Set<string>()
  let last = order?.after ?? ''
  let next: Next | undefined
  let emptyPages = 0
  do {
    const from = next
    const answer = await requestWithRetry(context, asked, async () => {
      const given = await page(from)
      const names = order === undefined ? [] : given.items.map(order.nameOf)
      const fault =
        (order === undefined ? undefined : faultOfNames(names, order.prefix, last)) ??
        (seen.has(JSON.stringify(given.next)) ? 'it names a next page that it has named before' : undefined)
      if (fault !== undefined) throw foreignAnswer(asked, fault)
      return { ...given, lastName: names.at(-1) }
    })
    yield* answer.items
    last = answer.lastName ?? last
    next = answer.next
    seen.add(JSON.stringify(next))
    emptyPages = answer.items.length === 0 ? emptyPages + 1 : 0
    if (emptyPages > maxEmptyPages)
      throw context.errorOf(
        foreignAnswer(asked, `it has ${emptyPages} empty pages, one after another`),
        asked,
      )
  } while (next !== undefined && next !== '')
}

function faultOfNames(names: readonly string[], prefix: string, after: string): string | undefined {
  let before = after
  for (const name of names) {
    if (!name.startsWith(prefix)) return `${name} is not below ${prefix}`
    // Some relatives of S3 list in the order of UTF-16.
    if (before !== '' && compareKeys(name, before) <= 0 && name <= before)
      return `it lists ${name} after ${before}`
    before = name
  }
  return undefined
}
