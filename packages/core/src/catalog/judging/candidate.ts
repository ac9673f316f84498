import type { OrderKey } from '../../order-key.ts'
import type { Candidate } from '../../retention/index.ts'
import type { HeldSpace } from '../../space/index.ts'
import { type CatalogEntry, metricsOf } from '../documents/index.ts'

/**
 * Returns the bytes and the minimum number of inodes that a checkpoint uses: its objects, the manifest and their folder. It may
 * share files with the attempts that wrote them.
 */
export function spaceHeldBy({
  attempt,
  bytes,
  fileCount,
  objects = fileCount,
  shared = [],
}: CatalogEntry): readonly HeldSpace[] {
  const own = shared.reduce(
    (rest, each) => ({ bytes: rest.bytes - each.bytes, inodes: rest.inodes - each.files }),
    { bytes, inodes: objects + 2 },
  )
  const others = shared.map((each): HeldSpace => {
    return { writtenBy: each.attempt, bytes: each.bytes, inodes: each.files }
  })
  return [{ writtenBy: attempt, ...own }, ...others]
}

/**
 * Converts a line of the catalog for a retention decision. Members are parsed on first use, because most decisions read
 * few of them.
 */
export class ListedCandidate implements Candidate {
  readonly inUse: string | undefined
  readonly waiting: string | undefined
  readonly #entry: CatalogEntry
  #savedAt: Date | undefined
  #storedAt: Date | undefined

  constructor(entry: CatalogEntry, inUse: string | undefined, waiting?: string) {
    this.#entry = entry
    this.inUse = inUse
    this.waiting = waiting
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

  get holds(): readonly HeldSpace[] {
    return spaceHeldBy(this.#entry)
  }

  get tags(): readonly string[] {
    return this.#entry.tags
  }

  get savedAt(): Date {
    this.#savedAt ??= new Date(this.#entry.savedAt)
    return this.#savedAt
  }

  get storedAt(): Date | undefined {
    const { storedAt } = this.#entry
    if (storedAt !== undefined) this.#storedAt ??= new Date(storedAt)
    return this.#storedAt
  }

  get clockJump(): number {
    return this.#entry.clockJump ?? 0
  }

  get order(): OrderKey {
    return this.#entry.order
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
