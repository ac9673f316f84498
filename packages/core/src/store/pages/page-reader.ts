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

/** Pages that are read at once. */
const pagesAtOnce = 16

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
   * once the floor has passed this version, and with `CORRUPT` when one is damaged.
   */
  async whole(catalog: Catalog, signal: AbortSignal | undefined): Promise<WholeCatalog> {
    const { catalog: whole, lost } = await this.salvage(catalog, signal)
    const [first] = lost
    if (first !== undefined) throw first.reason
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

  async read(
    references: readonly PageReference[],
    lost: LostPage[],
    signal: AbortSignal | undefined,
  ): Promise<readonly Page<L>[]> {
    const read = await concurrently(references, pagesAtOnce, signal, async (reference, taskSignal) => {
      const kept = this.#kept.get(reference.page)
      if (kept !== undefined) return [kept]
      try {
        return [await this.#readOne(reference, lost, taskSignal)]
      } catch (error) {
        if (!isHoldfastError(error, 'CORRUPT', 'NOT_FOUND')) throw error
        lost.push({ holds: this.#holds, reference, reason: error })
        return []
      }
    })
    return read.flat()
  }

  async #readOne(
    reference: PageReference,
    lost: LostPage[],
    signal: AbortSignal | undefined,
  ): Promise<Page<L>> {
    const bytes = await readSmall(this.#backend, pageKey(reference.page), signal)
    const page = decodePage(bytes, reference)
    if (page.holds === 'pages') {
      return { reference, lines: [], pages: await this.read(page.content, lost, signal) }
    }
    const lines = this.#linesOf(page)
    if (lines !== undefined) return { reference, lines, pages: [] }
    throw new HoldfastError('CORRUPT', `${pageKey(reference.page)} holds ${page.holds}, not ${this.#holds}.`)
  }
}

function withAllUnder<L extends Line>(pages: readonly Page<L>[]): readonly Page<L>[] {
  return pages.flatMap((page) => [page, ...withAllUnder(page.pages)])
}
