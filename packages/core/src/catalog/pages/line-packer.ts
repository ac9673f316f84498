import type { PageLimit } from '../../environment.ts'
import { endOf, type Line, type PageReference } from '../documents/index.ts'
import type { Page } from './page.ts'
import { type LineList, PagedList } from './paged-list.ts'

/** Writes a page and returns its name and digest. */
export type WritePage<Content> = (content: readonly Content[]) => Pick<PageReference, 'page' | 'sha256'>

/** The content of one page, and the page itself if it is already written. */
interface Sheet<L extends Line> {
  readonly written: Page<L> | undefined
  readonly depth: number
  readonly lines: readonly L[]
  readonly pages: readonly Page<L>[]
}

/** Distributes the lines of one list to pages, so that a change writes as few pages as possible. */
export class LinePacker<L extends Line> {
  readonly #ofLines: PageLimit
  readonly #ofReferences: PageLimit
  readonly #writeLines: WritePage<L>
  readonly #writeReferences: WritePage<PageReference>

  constructor(
    ofLines: PageLimit,
    ofReferences: PageLimit,
    writeLines: WritePage<L>,
    writeReferences: WritePage<PageReference>,
  ) {
    this.#ofLines = ofLines
    this.#ofReferences = ofReferences
    this.#writeLines = writeLines
    this.#writeReferences = writeReferences
  }

  fold({ pages, recent, rewritten }: LineList<L>): PagedList<L> {
    return rewritten === undefined ? this.#append(pages, recent) : this.#refold(pages, rewritten)
  }

  /** Moves the oldest lines, and then the oldest pages, into new pages until the rest fits into the document. */
  #append(pages: readonly Page<L>[], lines: readonly L[]): PagedList<L> {
    const { inline, page } = this.#ofLines
    let folded = 0
    const added: Page<L>[] = []
    for (; lines.length - folded > inline; folded += page) {
      added.push(this.#write({ depth: 0, lines: lines.slice(folded, folded + page), pages: [] }))
    }
    return new PagedList(this.#gather([...pages, ...added], 0), lines.slice(folded))
  }

  /** Packs all lines again. Lines that were in `pages` may have changed. */
  #refold(pages: readonly Page<L>[], lines: readonly L[]): PagedList<L> {
    if (lines.length <= this.#ofLines.inline) return new PagedList([], lines)
    const end = endOf(lines, pages.at(-1)?.reference.to ?? -1)
    return this.#append(this.#renew(pages, lines, 0), lines.slice(end))
  }

  /**
   * Returns pages for the lines from `start` on. Keeps a page whose lines are unchanged. Joins the remaining lines of a changed
   * page with its neighbour if both fit into one page.
   */
  #renew(pages: readonly Page<L>[], lines: readonly L[], start: number): readonly Page<L>[] {
    let begin = start
    const sheets = pages.map((page) => {
      const end = endOf(lines, page.reference.to, begin)
      const sheet = this.#sheetOf(page, lines, begin, end)
      begin = end
      return sheet
    })
    return this.#joined(sheets.filter((sheet) => lengthOf(sheet) > 0)).flatMap((sheet) =>
      this.#written(sheet),
    )
  }

  #gather(pages: readonly Page<L>[], depth: number): readonly Page<L>[] {
    const { inline, page } = this.#ofReferences
    const ofDepth = pages.filter(({ reference }) => reference.depth === depth)
    const deeper = pages.filter(({ reference }) => reference.depth > depth)
    if (deeper.length === 0 && ofDepth.length <= inline) return ofDepth
    let gathered = 0
    const added: Page<L>[] = []
    for (; ofDepth.length - gathered > inline; gathered += page) {
      const oldest = ofDepth.slice(gathered, gathered + page)
      added.push(this.#write({ depth: depth + 1, lines: [], pages: oldest }))
    }
    return [...this.#gather([...deeper, ...added], depth + 1), ...ofDepth.slice(gathered)]
  }

  #sheetOf(page: Page<L>, lines: readonly L[], start: number, end: number): Sheet<L> {
    const { depth } = page.reference
    if (depth > 0) {
      const pages = this.#renew(page.pages, lines, start)
      return { written: areSame(pages, page.pages) ? page : undefined, depth, lines: [], pages }
    }
    if (areSame(page.lines, lines, start, end)) return { written: page, depth, lines: page.lines, pages: [] }
    return { written: undefined, depth, lines: lines.slice(start, end), pages: [] }
  }

  #joined(sheets: readonly Sheet<L>[]): readonly Sheet<L>[] {
    const joined: Sheet<L>[] = []
    for (const sheet of sheets) {
      const before = joined.at(-1)
      if (before !== undefined && this.#mayJoin(before, sheet)) {
        joined[joined.length - 1] = {
          written: undefined,
          depth: sheet.depth,
          lines: [...before.lines, ...sheet.lines],
          pages: [...before.pages, ...sheet.pages],
        }
      } else joined.push(sheet)
    }
    return joined
  }

  #mayJoin(one: Sheet<L>, next: Sheet<L>): boolean {
    if (one.depth !== next.depth || (one.written !== undefined && next.written !== undefined)) return false
    return lengthOf(one) + lengthOf(next) <= this.#mostOf(one.depth)
  }

  #written(sheet: Sheet<L>): readonly Page<L>[] {
    if (sheet.written !== undefined) return [sheet.written]
    const { depth, lines, pages } = sheet
    const parts = Math.ceil(lengthOf(sheet) / this.#mostOf(depth))
    const share = Math.ceil(lengthOf(sheet) / parts)
    return Array.from({ length: parts }, (_, part) => {
      const [start, end] = [part * share, (part + 1) * share]
      return this.#write({ depth, lines: lines.slice(start, end), pages: pages.slice(start, end) })
    })
  }

  #write({ depth, lines, pages }: Omit<Sheet<L>, 'written'>): Page<L> {
    const references = pages.map(({ reference }) => reference)
    const { page, sha256 } = depth === 0 ? this.#writeLines(lines) : this.#writeReferences(references)
    const from = lines[0]?.step ?? references[0]?.from ?? 0
    const to = lines.at(-1)?.step ?? references.at(-1)?.to ?? 0
    const count = references.reduce((sum, reference) => sum + reference.count, lines.length)
    return { reference: { page, sha256, depth, from, to, count }, isRead: true, lines, pages }
  }

  #mostOf(depth: number): number {
    return depth === 0 ? this.#ofLines.page : this.#ofReferences.page
  }
}

function lengthOf({ depth, lines, pages }: Pick<Sheet<Line>, 'depth' | 'lines' | 'pages'>): number {
  return depth === 0 ? lines.length : pages.length
}

/** Whether these are the same objects as the others from `start` to before `end`. */
function areSame<T>(these: readonly T[], others: readonly T[], start = 0, end = others.length): boolean {
  if (these.length !== end - start) return false
  for (let index = 0; index < these.length; index += 1) {
    if (these[index] !== others[start + index]) return false
  }
  return true
}
