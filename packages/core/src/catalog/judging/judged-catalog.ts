import { isWhole, type PagedCatalog, wholeCatalog, type WholeCatalog } from '../pages/index.ts'
import { hasFields, judge, type Judgement, type Keeping, retain } from './judgement.ts'
import { keepingOf } from './recorded-keeping.ts'

/**
 * A version of the catalog, and what objectives and retention make of it. An operation makes one and passes it on: each
 * part is computed once, when it is first read.
 */
export class JudgedCatalog {
  readonly catalog: PagedCatalog
  /** What this process is configured with. */
  readonly own: Keeping
  /** The objectives and the retention in force: those of this writer and those that the store records. */
  readonly keeping: Keeping
  readonly #at: Date
  #judgement: Judgement | undefined
  #reasons: ReadonlyMap<number, readonly string[]> | undefined

  /** `judgement` is that of the commit which made the catalog, if there was one. */
  constructor(catalog: PagedCatalog, own: Keeping, at: Date, judgement?: Judgement) {
    this.catalog = catalog
    this.own = own
    this.keeping = keepingOf(own, catalog)
    this.#at = at
    this.#judgement = judgement
  }

  /** Whether every line was read. If it was not, there was nothing to judge the checkpoints by. */
  get isJudged(): boolean {
    return isWhole(this.catalog)
  }

  /** The catalog with all lines. Throws if a page was not read. */
  get whole(): WholeCatalog {
    return wholeCatalog(this.catalog)
  }

  /** Throws if a page was not read. */
  get judgement(): Judgement {
    this.#judgement ??= judge(this.whole, this.keeping.objectives)
    return this.#judgement
  }

  /** Why retention keeps each step, and nothing for those that it would drop; empty if there is no retention. */
  get reasons(): ReadonlyMap<number, readonly string[]> {
    this.#reasons ??= this.#retain()
    return this.#reasons
  }

  #retain(): ReadonlyMap<number, readonly string[]> {
    const { retention } = this.keeping
    if (!hasFields(retention)) return new Map()
    const decisions = retain(this.whole, this.judgement, retention, { now: this.#at }, () => undefined)
    return new Map(decisions.map(({ step, kept, because }) => [step, kept ? because : []]))
  }
}
