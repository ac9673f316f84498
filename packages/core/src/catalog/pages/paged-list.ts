import { type Line, lineOf, withLine } from '../documents/index.ts'
import { type Page, stretchesUnder } from './page.ts'

/**
 * A list whose pages may not have been read. Throws if a result depends on a page that was not read. `allRead` and
 * `wholeCatalog` return lists with all lines.
 */
export interface LineList<L extends Line> {
  /** The pages with the oldest lines, as they were read or written. */
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
  if (unread !== undefined) throw new Error(`The page ${unread.reference.page} is required, but was not read`)
  return hasAllLines(list) ? list : new PagedList(list.pages, list.recent, list.rewritten)
}

function hasAllLines<L extends Line>(list: LineList<L>): list is PagedList<L> {
  return list instanceof PagedList
}

/**
 * The lines of one list of the catalog, in the order of steps. The oldest lines are in pages. The list is immutable. A
 * change creates another list, which shares all unchanged pages. So the cost of adding a line does not depend on the
 * length.
 */
export class PagedList<L extends Line> implements LineList<L> {
  /** The pages with the oldest lines, as they were read or written. */
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

  /** Returns the highest step in a page; -1 if there is none. */
  get lastPaged(): number {
    return this.pages.at(-1)?.reference.to ?? -1
  }

  /** Returns the lines in segments, which another list may share. Throws if a page was not read. */
  get stretches(): readonly (readonly L[])[] {
    if (this.rewritten !== undefined) return [this.rewritten]
    return [...this.pages.flatMap(stretchesUnder), this.recent]
  }

  /** Returns all lines. Throws if a page was not read. */
  get all(): readonly L[] {
    if (this.pages.length === 0) return this.recent
    this.#all ??= this.rewritten ?? this.stretches.flat()
    return this.#all
  }

  /** Returns the line of a step. Throws if it may be in a page that was not read. */
  get(step: number): L | undefined {
    if (this.rewritten !== undefined) return lineOf(this.rewritten, step)
    if (step > this.lastPaged) return lineOf(this.recent, step)
    return lineInPages(this.pages, step)
  }

  /** Returns the last `count` lines. Throws if one of them is in a page that was not read. */
  last(count: number): readonly L[] {
    return (this.recent.length < count ? this.all : this.recent).slice(-count)
  }

  /** Returns the last matching line. Throws if it may be in a page that was not read. */
  findLast(isWanted: (line: L) => boolean): L | undefined {
    return this.recent.findLast(isWanted) ?? this.all.findLast(isWanted)
  }

  /** Returns a list with this line at its step. `undefined` removes the step. */
  with(step: number, line: L | undefined): PagedList<L> {
    if (line === undefined && this.get(step) === undefined) return this
    if (this.rewritten === undefined && step > this.lastPaged) {
      return new PagedList(this.pages, withLine(this.recent, step, line))
    }
    return this.replacedBy(withLine(this.all, step, line))
  }

  /** Returns a list of the matching lines. */
  filter(isWanted: (line: L) => boolean): PagedList<L> {
    return this.replacedBy(this.all.filter(isWanted))
  }

  /** Returns a list in which other lines replace all of these. */
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
