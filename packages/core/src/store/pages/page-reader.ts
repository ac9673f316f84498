import { type CheckpointBackend, concurrently } from '../../backend/index.ts'
import { HoldfastError, isHoldfastError } from '../../errors.ts'
import {
  type Catalog,
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
import { readSmall } from '../read-object.ts'
import { isWhole, type Page, pagesOf, unfold, type WholeCatalog } from './page.ts'

/** Pages that are read, or written, at once. */
export const pagesAtOnce = 16

/** A page that is damaged or gone. */
export interface LostPage {
  readonly holds: 'checkpoints' | 'metrics'
  readonly reference: PageReference
  readonly reason: HoldfastError
}

/** Reads the pages of catalogs, and keeps those of the last one: the next has most of them, too. */
export class PageReader {
  readonly #checkpoints: ListReader<CatalogEntry>
  readonly #metrics: ListReader<RecordedMetrics>

  constructor(backend: CheckpointBackend) {
    this.#checkpoints = new ListReader(backend, 'checkpoints', (page) =>
      page.holds === 'checkpoints' ? page.content : undefined,
    )
    this.#metrics = new ListReader(backend, 'metrics', (page) =>
      page.holds === 'metrics' ? page.content : undefined,
    )
  }

  /**
   * A catalog with the lines of all its pages. Rejects with `NOT_FOUND` when one is gone, which is as it should be
   * once the floor has passed this version; else with `CORRUPT` when one is damaged.
   */
  async whole(catalog: Catalog, signal: AbortSignal | undefined): Promise<WholeCatalog> {
    const { catalog: whole, lost } = await this.salvage(catalog, signal)
    const worst = lost.find(({ reason }) => reason.code === 'NOT_FOUND') ?? lost[0]
    if (worst !== undefined) throw worst.reason
    return whole
  }

  /** A catalog with the lines of those pages that can be read, and the pages that cannot be. */
  async salvage(
    catalog: Catalog,
    signal: AbortSignal | undefined,
  ): Promise<{ readonly catalog: WholeCatalog; readonly lost: readonly LostPage[] }> {
    if (isWhole(catalog)) return { catalog, lost: [] }
    const { checkpoints = [], metrics = [], retired = [] } = catalog.older ?? {}
    const lost: LostPage[] = []
    const pages = {
      checkpoints: await this.#checkpoints.read(checkpoints, lost, signal),
      metrics: await this.#metrics.read(metrics, lost, signal),
      retired,
    }
    const whole = unfold(catalog, pages)
    if (lost.length > 0) return { catalog: whole, lost }
    if (!inOrder([], whole.checkpoints) || !inOrder([], whole.metrics)) {
      throw new HoldfastError(
        'CORRUPT',
        `${catalogKey(catalog.version)} and its pages contradict each other.`,
      )
    }
    this.keep(whole)
    return { catalog: whole, lost: [] }
  }

  /** Keeps what was just written, as if it had been read. */
  keep(catalog: WholeCatalog): void {
    const { checkpoints, metrics } = pagesOf(catalog)
    this.#checkpoints.keep(checkpoints)
    this.#metrics.keep(metrics)
  }
}

class ListReader<L extends Line> {
  readonly #backend: CheckpointBackend
  readonly #holds: LostPage['holds']
  readonly #linesOf: (page: PageDocument) => readonly L[] | undefined
  #kept: ReadonlyMap<PageId, Page<L>> = new Map()

  constructor(
    backend: CheckpointBackend,
    holds: LostPage['holds'],
    linesOf: (page: PageDocument) => readonly L[] | undefined,
  ) {
    this.#backend = backend
    this.#holds = holds
    this.#linesOf = linesOf
  }

  keep(pages: readonly Page<L>[]): void {
    this.#kept = new Map(withAllUnder(pages).map((page) => [page.reference.page, page]))
  }

  /** These pages and all under them, one depth after the other, so that never more are read at once than may be. */
  async read(
    references: readonly PageReference[],
    lost: LostPage[],
    signal: AbortSignal | undefined,
  ): Promise<readonly Page<L>[]> {
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
    return this.#assembled(references, read)
  }

  /** What of these pages, and of those under them, was kept or has been read. */
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
        return [{ reference, lines: [], pages: this.#assembled(document.content, read) }]
      return [{ reference, lines: this.#linesOf(document) ?? [], pages: [] }]
    })
  }

  #keptOf({ page, sha256 }: PageReference): Page<L> | undefined {
    const kept = this.#kept.get(page)
    return kept?.reference.sha256 === sha256 ? kept : undefined
  }

  /** `undefined` for a page that is damaged or gone. */
  async #readOne(
    reference: PageReference,
    lost: LostPage[],
    signal: AbortSignal | undefined,
  ): Promise<PageDocument | undefined> {
    const key = pageKey(reference.page)
    try {
      const page = decodePage(await readSmall(this.#backend, key, signal), reference)
      if (page.holds === 'pages' || this.#linesOf(page) !== undefined) return page
      throw new HoldfastError('CORRUPT', `${key} holds ${page.holds}, not ${this.#holds}.`)
    } catch (error) {
      if (!isHoldfastError(error, 'CORRUPT', 'NOT_FOUND')) throw error
      lost.push({ holds: this.#holds, reference, reason: error })
      return undefined
    }
  }
}

function withAllUnder<L extends Line>(pages: readonly Page<L>[]): readonly Page<L>[] {
  return pages.flatMap((page) => [page, ...withAllUnder(page.pages)])
}
