import { type Line, lineOf, withLine } from '../documents/index.ts'
import { type Page, stretchesUnder } from './page.ts'

/**
 * A list whose pages may not have been read. It answers for the lines after its pages, and throws where an answer needs a
 * page that was not read. All lines are members of `PagedList`, which `allRead` and `wholeCatalog` give.
 */
export interface LineList<L extends Line> {
  /** In which the oldest lines stood when they were read or written. */
  readonly pages: readonly Page<L>[]
  /** The lines after the pages. */
  readonly recent: readonly L[]
  /** All lines, if lines of pages have changed. */
  readonly rewritten: readonly L[] | undefined
  readonly length: number
  /** The highest step in a page; -1 if there is none. */
  readonly lastPaged: number
  get(step: number): L | undefined
  last(count: number): readonly L[]
  findLast(isWanted: (line: L) => boolean): L | undefined
  with(step: number, line: L | undefined): LineList<L>
}

/** The list with all its lines. Throws if a page was not read. */
export function allRead<L extends Line>(list: LineList<L>): PagedList<L> {
  const unread = list.rewritten === undefined ? list.pages.find(({ isRead }) => !isRead) : undefined
  if (unread !== undefined) throw new Error(`The page ${unread.reference.page} is needed, and was not read`)
  return hasAllLines(list) ? list : new PagedList(list.pages, list.recent, list.rewritten)
}

function hasAllLines<L extends Line>(list: LineList<L>): list is PagedList<L> {
  return list instanceof PagedList
}

/**
 * The lines of one list of the catalog, in the order of their steps, the oldest of them in pages. It is never changed:
 * what changes it gives another, which shares with it what stays. So a line is added at the same cost however many
 * there are.
 */
export class PagedList<L extends Line> implements LineList<L> {
  /** In which the oldest lines stood when they were read or written. */
  readonly pages: readonly Page<L>[]
  /** The lines after the pages. */
  readonly recent: readonly L[]
  /** All lines, if lines of pages have changed. */
  readonly rewritten: readonly L[] | undefined
  #all: readonly L[] | undefined

  constructor(pages: readonly Page<L>[], recent: readonly L[], rewritten?: readonly L[]) {
    this.pages = pages
    this.recent = recent
    this.rewritten = rewritten
  }

  get length(): number {
    const inPages = this.pages.reduce((sum, { reference }) => sum + reference.count, 0)
    return this.rewritten?.length ?? inPages + this.recent.length
  }

  /** The highest step that stands in a page; -1 when there is none. */
  get lastPaged(): number {
    return this.pages.at(-1)?.reference.to ?? -1
  }

  /** The lines, in stretches that another list may have as well. Throws where a page was not read. */
  get stretches(): readonly (readonly L[])[] {
    if (this.rewritten !== undefined) return [this.rewritten]
    return [...this.pages.flatMap(stretchesUnder), this.recent]
  }

  /** All lines. Throws where a page was not read. */
  get all(): readonly L[] {
    if (this.pages.length === 0) return this.recent
    this.#all ??= this.rewritten ?? this.stretches.flat()
    return this.#all
  }

  /** The line of a step. Throws where it may stand in a page that was not read. */
  get(step: number): L | undefined {
    if (this.rewritten !== undefined) return lineOf(this.rewritten, step)
    if (step > this.lastPaged) return lineOf(this.recent, step)
    return lineInPages(this.pages, step)
  }

  /** The last so many lines. Throws where one of them stands in a page that was not read. */
  last(count: number): readonly L[] {
    return (this.recent.length < count ? this.all : this.recent).slice(-count)
  }

  /** The last line that is wanted. Throws where it may stand in a page that was not read. */
  findLast(isWanted: (line: L) => boolean): L | undefined {
    return this.recent.findLast(isWanted) ?? this.all.findLast(isWanted)
  }

  /** The same lines, with this one at its step; `undefined` takes the step out. */
  with(step: number, line: L | undefined): PagedList<L> {
    if (line === undefined && this.get(step) === undefined) return this
    if (this.rewritten === undefined && step > this.lastPaged) {
      return new PagedList(this.pages, withLine(this.recent, step, line))
    }
    return this.replacedBy(withLine(this.all, step, line))
  }

  /** Those of the lines that are wanted. */
  filter(isWanted: (line: L) => boolean): PagedList<L> {
    return this.replacedBy(this.all.filter(isWanted))
  }

  /** Other lines in place of all of these. */
  replacedBy(lines: readonly L[]): PagedList<L> {
    return this.pages.length === 0 ? new PagedList([], lines) : new PagedList(this.pages, [], lines)
  }
}

function lineInPages<L extends Line>(pages: readonly Page<L>[], step: number): L | undefined {
  const page = pages.find(({ reference }) => step <= reference.to)
  if (page === undefined || step < page.reference.from) return undefined
  if (page.pages.length > 0) return lineInPages(page.pages, step)
  return stretchesUnder(page).flatMap((lines) => lineOf(lines, step) ?? [])[0]
}
