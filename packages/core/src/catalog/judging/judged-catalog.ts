import { isWhole, type PagedCatalog, wholeCatalog, type WholeCatalog } from '../pages/index.ts'
import { hasFields, judge, type Judgement, type Keeping, retain, retainAbandoned } from './judgement.ts'
import type { AttemptId } from '../documents/index.ts'
import { keepingOf } from './recorded-keeping.ts'

/**
 * A version of the catalog with its judgement by objectives and retention. An operation creates one and passes it on.
 * Each part is computed once, on first use.
 */
export class JudgedCatalog {
  readonly catalog: PagedCatalog
  /** The configuration of this process. */
  readonly own: Keeping
  /** The objectives and the retention in force: those of this writer and those that the store records. */
  readonly keeping: Keeping
  readonly #at: Date
  #judgement: Judgement | undefined
  #reasons: ReadonlyMap<number, readonly string[]> | undefined
  #abandonedReasons: ReadonlyMap<AttemptId, readonly string[]> | undefined

  /** `judgement` is that of the commit that created the version, if there was one. */
  constructor(catalog: PagedCatalog, own: Keeping, at: Date, judgement?: Judgement) {
    this.catalog = catalog
    this.own = own
    this.keeping = keepingOf(own, catalog)
    this.#at = at
    this.#judgement = judgement
  }

  /** Whether every line was read. Otherwise there was no objective or retention to judge by. */
  get isJudged(): boolean {
    return isWhole(this.catalog)
  }

  /** Returns the catalog with all lines. Throws if a page was not read. */
  get whole(): WholeCatalog {
    return wholeCatalog(this.catalog)
  }

  /** Throws if a page was not read. */
  get judgement(): Judgement {
    this.#judgement ??= judge(this.whole, this.keeping.objectives)
    return this.#judgement
  }

  /** The reasons to keep each step. Steps that retention would drop are missing. Empty without retention. */
  get reasons(): ReadonlyMap<number, readonly string[]> {
    this.#reasons ??= this.#retain()
    return this.#reasons
  }

  /** Why abandoned checkpoints stay, by attempt. The next save drops the others. */
  get abandonedReasons(): ReadonlyMap<AttemptId, readonly string[]> {
    this.#abandonedReasons ??= retainAbandoned(this.whole, this.judgement, this.keeping.retention, {
      now: this.#at,
    })
    return this.#abandonedReasons
  }

  #retain(): ReadonlyMap<number, readonly string[]> {
    const { retention } = this.keeping
    if (!hasFields(retention)) return new Map()
    const decisions = retain(this.whole, this.judgement, retention, { now: this.#at }, () => undefined)
    return new Map(decisions.map(({ step, kept, because }) => [step, kept ? because : []]))
  }
}
