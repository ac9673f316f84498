import type { Line, PageId, PageReference } from '../documents/index.ts'

/** A page: its reference and, once it is read, its lines or the pages that it refers to. */
export interface Page<L extends Line> {
  readonly reference: PageReference
  readonly isRead: boolean
  /** The lines. Only a page of depth 0 has lines. */
  readonly lines: readonly L[]
  /** The pages below it. Only a page of a greater depth has pages. */
  readonly pages: readonly Page<L>[]
}

/** A page that was not read. */
export function unread(reference: PageReference): Page<never> {
  return { reference, isRead: false, lines: [], pages: [] }
}

/** The lines under a page: one array for each page of depth 0. */
export function stretchesUnder<L extends Line>(page: Page<L>): readonly (readonly L[])[] {
  if (!page.isRead) throw new Error(`The page ${page.reference.page} is required, but was not read`)
  return page.reference.depth === 0 ? [page.lines] : page.pages.flatMap(stretchesUnder)
}

/** Returns the ids of these pages and of all pages below them. */
export function idsOf<L extends Line>(pages: readonly Page<L>[]): readonly PageId[] {
  return withAllUnder(pages).map(({ reference }) => reference.page)
}

/** Returns these pages and all pages below them. */
export function withAllUnder<L extends Line>(pages: readonly Page<L>[]): readonly Page<L>[] {
  return pages.flatMap((page) => [page, ...withAllUnder(page.pages)])
}
