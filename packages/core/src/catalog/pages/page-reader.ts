import { concurrently } from '../../async/concurrently.ts'
import { HoldfastError, isHoldfastError } from '../../errors.ts'
import {
  type CatalogEntry,
  catalogKey,
  decodePage,
  inOrder,
  type Line,
  type PageDocument,
  type PageId,
  pageKey,
  type PageReference,
  type RecordedMetrics,
} from '../documents/index.ts'
import { type DocumentReader, readSmall } from '../documents/read-document.ts'
import { withSecondLook } from '../../async/second-look.ts'
import { idsOf, type Page, withAllUnder } from './page.ts'
import { isWhole, type PagedCatalog, type WholeCatalog } from './paged-catalog.ts'
import { type LineList, PagedList } from './paged-list.ts'

/** Maximum number of pages that are read or written at the same time. */
export const pagesAtOnce = 16

/** A damaged or missing page. */
export interface LostPage {
  readonly holds: 'checkpoints' | 'metrics'
  readonly reference: PageReference
  readonly reason: HoldfastError
}

/** Reads the pages of catalogs. Keeps the pages of the last catalog, because the next one refers to most of them. */
export class PageReader {
  readonly #checkpoints: ListReader<CatalogEntry>
  readonly #metrics: ListReader<RecordedMetrics>

  constructor(backend: DocumentReader) {
    this.#checkpoints = new ListReader(backend, 'checkpoints', (page) =>
      page.holds === 'checkpoints' ? page.content : undefined,
    )
    this.#metrics = new ListReader(backend, 'metrics', (page) =>
      page.holds === 'metrics' ? page.content : undefined,
    )
  }

  /**
   * Returns a catalog with all lines. Rejects with `NOT_FOUND` if a page is missing, which is normal after the floor
   * has passed this version. Rejects with `CORRUPT` if a page is damaged.
   */
  async whole(catalog: PagedCatalog, signal: AbortSignal | undefined): Promise<WholeCatalog> {
    const { catalog: whole, lost } = await this.salvage(catalog, signal)
    const worst = lost.find(({ reason }) => reason.code === 'NOT_FOUND') ?? lost[0]
    if (worst !== undefined) throw worst.reason
    return whole
  }

  /** Returns a catalog with the lines of its readable pages, and the pages that cannot be read. */
  async salvage(
    catalog: PagedCatalog,
    signal: AbortSignal | undefined,
  ): Promise<{ readonly catalog: WholeCatalog; readonly lost: readonly LostPage[] }> {
    if (isWhole(catalog)) return { catalog, lost: [] }
    const lost: LostPage[] = []
    const whole: WholeCatalog = {
      ...catalog,
      checkpoints: await this.#checkpoints.read(catalog.checkpoints, lost, signal),
      metrics: await this.#metrics.read(catalog.metrics, lost, signal),
      isWhole: true,
    }
    if (lost.length > 0) return { catalog: whole, lost }
    const isInOrder = inOrder([], whole.checkpoints.all) && inOrder([], whole.metrics.all)
    if (!isInOrder || needsRetired(whole)) {
      throw new HoldfastError(
        'CORRUPT',
        `${catalogKey(catalog.version)} and its pages contradict each other.`,
      )
    }
    this.keep(whole)
    return { catalog: whole, lost: [] }
  }

  /** Keeps written pages as if they had been read. */
  keep({ checkpoints, metrics }: WholeCatalog): void {
    this.#checkpoints.keep(checkpoints)
    this.#metrics.keep(metrics)
  }
}

function needsRetired({ checkpoints, metrics, retired }: WholeCatalog): boolean {
  if (retired.length === 0) return false
  const needed = new Set([...idsOf(checkpoints.pages), ...idsOf(metrics.pages)])
  return retired.some(({ page }) => needed.has(page))
}

class ListReader<L extends Line> {
  readonly #backend: DocumentReader
  readonly #holds: LostPage['holds']
  readonly #linesOf: (page: PageDocument) => readonly L[] | undefined
  #kept = new PagedList<L>([], [])
  /** The kept pages and all pages under them. Computed when first needed. */
  #keptPages: ReadonlyMap<PageId, Page<L>> | undefined

  constructor(
    backend: DocumentReader,
    holds: LostPage['holds'],
    linesOf: (page: PageDocument) => readonly L[] | undefined,
  ) {
    this.#backend = backend
    this.#holds = holds
    this.#linesOf = linesOf
  }

  keep(list: PagedList<L>): void {
    this.#kept = list
    this.#keptPages = undefined
  }

  /**
   * Reads the pages of a list and all pages under them, one depth after the other. This bounds the number of concurrent
   * reads.
   */
  async read(
    { pages, recent }: LineList<L>,
    lost: LostPage[],
    signal: AbortSignal | undefined,
  ): Promise<PagedList<L>> {
    const references = pages.map(({ reference }) => reference)
    const read = new Map<PageId, PageDocument>()
    let level = references
    while (level.length > 0) {
      const unread = level.filter((reference) => this.#keptOf(reference) === undefined)
      const documents = await concurrently(unread, pagesAtOnce, signal, (reference, taskSignal) =>
        this.#readOne(reference, lost, taskSignal),
      )
      for (const document of documents) if (document !== undefined) read.set(document.page, document)
      level = documents.flatMap((document) => (document?.holds === 'pages' ? document.content : []))
    }
    return new PagedList(this.#assembled(references, read), recent)
  }

  /** Returns the given pages and those below them that were kept or read. */
  #assembled(
    references: readonly PageReference[],
    read: ReadonlyMap<PageId, PageDocument>,
  ): readonly Page<L>[] {
    return references.flatMap((reference) => {
      const kept = this.#keptOf(reference)
      if (kept !== undefined) return [kept]
      const document = read.get(reference.page)
      if (document === undefined) return []
      if (document.holds === 'pages')
        return [{ reference, isRead: true, lines: [], pages: this.#assembled(document.content, read) }]
      return [{ reference, isRead: true, lines: this.#linesOf(document) ?? [], pages: [] }]
    })
  }

  #keptOf({ page, sha256 }: PageReference): Page<L> | undefined {
    this.#keptPages ??= new Map(withAllUnder(this.#kept.pages).map((each) => [each.reference.page, each]))
    const kept = this.#keptPages.get(page)
    return kept?.reference.sha256 === sha256 ? kept : undefined
  }

  /** Returns `undefined` for a damaged or missing page. */
  async #readOne(
    reference: PageReference,
    lost: LostPage[],
    signal: AbortSignal | undefined,
  ): Promise<PageDocument | undefined> {
    const key = pageKey(reference.page)
    try {
      const page = await withSecondLook(async (look) =>
        decodePage(await readSmall(this.#backend, key, signal, look), reference),
      )
      if (page.holds === 'pages' || this.#linesOf(page) !== undefined) return page
      throw new HoldfastError('CORRUPT', `${key} holds ${page.holds}, not ${this.#holds}.`)
    } catch (error) {
      if (!isHoldfastError(error, 'CORRUPT', 'NOT_FOUND')) throw error
      lost.push({ holds: this.#holds, reference, reason: error })
      return undefined
    }
  }
}
