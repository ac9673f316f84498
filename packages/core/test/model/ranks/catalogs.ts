import type { Change } from '../../../src/catalog/commit/changes/index.ts'
import type { CommitRequest, Writer } from '../../../src/catalog/commit/rules/index.ts'
import { type AttemptId, newAttemptId, partsOfAttempt } from '../../../src/catalog/documents/index.ts'
import { keepsAll } from '../../../src/catalog/judging/keeping.ts'
import { noCatalog, type WholeCatalog } from '../../../src/catalog/pages/index.ts'
import type { TermOwner } from '../../../src/store/ranks/rules.ts'
import { entryOf } from '../entries.ts'
import { Numbering } from '../numbering.ts'
import { product, type Protocol } from './protocol.ts'

const at = '2026-01-01T00:00:00.000Z'

export function ownerOf(term: number): TermOwner {
  return { term, owner: `term ${term}` }
}

/** A writer that is no rank of the job. */
const stranger = 'a stranger'

/** The name of a try: it has the term, the try and the process that proposed it. */
export function attemptOf(step: number, base: number, term: number, tries: number, index: number): AttemptId {
  return newAttemptId(step, base, `${term}${tries}${index}`.padStart(16, '0'))
}

export function termOfAttempt(attempt: AttemptId): number {
  return Number(attempt.at(-3))
}

/** The versions of the catalog that the product's rules create. Equal versions are one object. */
export class Catalogs {
  readonly #nextCatalog: Protocol['nextCatalog']
  readonly #continuedBy: Protocol['continuedBy']
  readonly #numbers = new Numbering<WholeCatalog>((catalog) => JSON.stringify(catalog))
  readonly #commits = new Map<string, WholeCatalog | string>()

  constructor({ nextCatalog, continuedBy }: Pick<Protocol, 'nextCatalog' | 'continuedBy'>) {
    this.#nextCatalog = nextCatalog
    this.#continuedBy = continuedBy
  }

  numberOf(catalog: WholeCatalog): number {
    return this.#numbers.numberOf(catalog)
  }

  /** Returns the next version, or why there is none. A commit is one step: it reads the newest version and follows it. */
  commit(newest: WholeCatalog, writer: TermOwner | undefined, change: Change): WholeCatalog | string {
    const key = `${this.numberOf(newest)} ${writer?.owner ?? stranger} ${JSON.stringify(change)}`
    const known = this.#commits.get(key)
    if (known !== undefined) return known
    const verdict = this.#nextCatalog(newest, requestOf(newest, writer, change))
    const result = verdict.kind === 'next' ? this.#unified(verdict.catalog) : verdict.kind
    this.#commits.set(key, result)
    return result
  }

  /** A store with checkpoints of a term that resumed from the first of them. */
  begin(saved: number): WholeCatalog {
    let catalog = this.#unified(noCatalog)
    for (let step = 1; step <= saved; step += 1) {
      const attempt = attemptOf(step, catalog.version, 0, 0, 0)
      const resumed = catalog.checkpoints.all[0]?.attempt ?? null
      const listed = step > 2 ? catalog.latest?.attempt : undefined
      const change = saveOf(attempt, this.#continuedBy(step, { begun: [], listed, resumed }))
      const verdict = product.nextCatalog(catalog, requestOf(catalog, undefined, change))
      if (verdict.kind !== 'next') throw new Error(`The scenario cannot begin: ${verdict.kind}`)
      catalog = this.#unified(verdict.catalog)
    }
    return catalog
  }

  /** Forgets what no rule asks about: who committed what, and which commit dropped an attempt. */
  #unified(catalog: WholeCatalog): WholeCatalog {
    const dropped = catalog.history
      .flatMap((record) => record.dropped)
      .map((drop) => ({ ...drop, because: '' }))
      .sort((one, other) => (one.attempt < other.attempt ? -1 : 1))
    const history = [{ version: catalog.version, commitId: 'done', did: '', dropped }]
    return this.#numbers.valueOf(this.#numbers.numberOf({ ...catalog, commitId: 'done', history }))
  }
}

function requestOf(newest: WholeCatalog, owner: TermOwner | undefined, change: Change): CommitRequest {
  const id = owner?.owner ?? newest.owner?.id ?? stranger
  const writer: Writer = {
    id,
    name: id,
    mode: owner === undefined && newest.owner === null ? 'shared' : 'exclusive',
  }
  return { writer, commitId: 'new', change, keeping: keepsAll, at }
}

export function saveOf(attempt: AttemptId, resumed: AttemptId | undefined): Change {
  const entry = { ...entryOf(partsOfAttempt(attempt).step, attempt), ...(resumed && { resumed }) }
  return { kind: 'save', entry, onExisting: 'replace' }
}
