import { compareKeys } from '../key.ts'
import { foreignAnswer } from './answers.ts'
import { requestWithRetry, type RequestContext } from './request-with-retry.ts'
import type { RequestInfo } from './request-info.ts'

/** A page of a list. `next` requests the page after it; `undefined` or an empty string marks the last page. */
export interface Page<Item, Next> {
  readonly items: readonly Item[]
  readonly next: Next | undefined
}

/** A list that the store returns in pages. */
export interface ListInPages<Item, Next> {
  /** Sends one request without retrying, and rejects with what the SDK throws. */
  readonly page: (from: Next | undefined) => Promise<Page<Item, Next>>
  /** The names to expect, if the store lists items in the order of their names. */
  readonly order?:
    | {
        readonly nameOf: (item: Item) => string
        /** The beginning of every name. */
        readonly prefix: string
        /** A name that sorts before every name of the list. */
        readonly after: string
        /** What to do if the store lists in another order, as a clause that follows a semicolon. */
        readonly advice?: string
      }
    | undefined
}

/** The most empty pages in a row. A store may return some while it skips deleted objects. */
const maxEmptyPages = 1000

/**
 * Yields the items of a list, page by page. A page that contradicts earlier pages or the request is requested again,
 * and finally rejected with `UNAVAILABLE`. Examples are names out of order, or a next page that was returned before.
 */
export async function* itemsOf<Item, Next>(
  context: RequestContext,
  info: RequestInfo,
  { page, order }: ListInPages<Item, Next>,
): AsyncGenerator<Item, void, undefined> {
  const seen = new Set<string>()
  let last = order?.after ?? ''
  let next: Next | undefined
  let emptyPages = 0
  do {
    const from = next
    const answer = await requestWithRetry(context, info, async () => {
      const given = await page(from)
      const names = order === undefined ? [] : given.items.map(order.nameOf)
      const fault =
        (order === undefined ? undefined : faultOfNames(names, order, last)) ??
        (seen.has(JSON.stringify(given.next)) ? 'it names a next page that it named before' : undefined)
      if (fault !== undefined) throw foreignAnswer(info, fault)
      return { ...given, lastName: names.at(-1) }
    })
    yield* answer.items
    last = answer.lastName ?? last
    next = answer.next
    seen.add(JSON.stringify(next))
    emptyPages = answer.items.length === 0 ? emptyPages + 1 : 0
    if (emptyPages > maxEmptyPages)
      throw context.errorOf(foreignAnswer(info, `it has ${emptyPages} empty pages, one after another`), info)
  } while (next !== undefined && next !== '')
}

function faultOfNames(
  names: readonly string[],
  { prefix, advice }: { readonly prefix: string; readonly advice?: string },
  after: string,
): string | undefined {
  let before = after
  for (const name of names) {
    if (!name.startsWith(prefix)) return `${name} is not below ${prefix}`
    // Some stores that are compatible with S3 list in the order of UTF-16.
    if (before !== '' && compareKeys(name, before) <= 0 && name <= before)
      return `it lists ${name} after ${before}${advice === undefined ? '' : `; ${advice}`}`
    before = name
  }
  return undefined
}
