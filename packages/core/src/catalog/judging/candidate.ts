import type { Candidate } from '../../retention/index.ts'
import { type CatalogEntry, metricsOf, partsOfAttempt } from '../documents/index.ts'

/**
 * A line of the catalog, as a retention decision looks at it. Of thousands most are decided by few of their members:
 * what must be parsed is parsed when it is asked for.
 */
export class ListedCandidate implements Candidate {
  readonly inUse: string | undefined
  readonly #entry: CatalogEntry
  #savedAt: Date | undefined
  #saveOrder: number | undefined

  constructor(entry: CatalogEntry, inUse: string | undefined) {
    this.#entry = entry
    this.inUse = inUse
  }

  get step(): number {
    return this.#entry.step
  }

  get epoch(): number | undefined {
    return this.#entry.epoch
  }

  get bytes(): number {
    return this.#entry.bytes
  }

  get tags(): readonly string[] {
    return this.#entry.tags
  }

  get savedAt(): Date {
    this.#savedAt ??= new Date(this.#entry.savedAt)
    return this.#savedAt
  }

  get saveOrder(): number {
    this.#saveOrder ??= partsOfAttempt(this.#entry.attempt).base
    return this.#saveOrder
  }

  get metrics(): Readonly<Record<string, number>> {
    return metricsOf(this.#entry.metrics)
  }

  get pinned(): string | undefined {
    const { pinned } = this.#entry
    if (pinned === undefined) return undefined
    return pinned.reason === undefined ? 'pinned' : `pinned ${JSON.stringify(pinned.reason)}`
  }
}
