import type { Line, PageId, PageReference } from '../documents/index.ts'

/** A page: the reference to it, and once it is read its lines, or the pages that it refers to. */
export interface Page<L extends Line> {
  readonly reference: PageReference
  readonly isRead: boolean
  /** Of a page of depth 0. */
  readonly lines: readonly L[]
  /** Of a deeper one. */
  readonly pages: readonly Page<L>[]
}

/** A page of which no more is known than the reference to it. */
export function unread(reference: PageReference): Page<never> {
  return { reference, isRead: false, lines: [], pages: [] }
}

/** The lines under a page, in stretches: those of each page that has lines. */
export function stretchesUnder<L extends Line>(page: Page<L>): readonly (readonly L[])[] {
  if (!page.isRead) throw new Error(`The page ${page.reference.page} is needed, and was not read`)
  return page.reference.depth === 0 ? [page.lines] : page.pages.flatMap(stretchesUnder)
}

/** The ids of these pages, and of those that they refer to. */
export function idsOf<L extends Line>(pages: readonly Page<L>[]): readonly PageId[] {
  return withAllUnder(pages).map(({ reference }) => reference.page)
}

/** These pages, and those that they refer to. */
export function withAllUnder<L extends Line>(pages: readonly Page<L>[]): readonly Page<L>[] {
  return pages.flatMap((page) => [page, ...withAllUnder(page.pages)])
}
