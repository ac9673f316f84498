/** What a checkpoint uses of the bytes and inodes that one save wrote. Several checkpoints may use the same ones. */
export interface HeldSpace {
  /** Identifies the save. */
  readonly writtenBy: string
  readonly bytes: number
  readonly inodes: number
}

/** Sums of one save's space: the most that one deleted checkpoint used, and what all others use together. */
interface Usage {
  mostDeleted: Pick<HeldSpace, 'bytes' | 'inodes'>
  kept: Pick<HeldSpace, 'bytes' | 'inodes'>
}

/**
 * Adds up what deleting checkpoints frees at least. Space that is shared is free only if no other checkpoint uses it. How much
 * of it two checkpoints use in common is not recorded, so the result can be less than what becomes free, and never more.
 */
export class FreedSpace {
  readonly #usage = new Map<string, Usage>()
  #bytes = 0
  #inodes = 0

  /** `all` are all checkpoints that use space now. */
  constructor(all: Iterable<readonly HeldSpace[]>) {
    for (const held of all) for (const each of held) this.#of(each).kept = sum(this.#of(each).kept, each, 1)
  }

  get bytes(): number {
    return this.#bytes
  }

  get inodes(): number {
    return this.#inodes
  }

  /** Counts one of the checkpoints as deleted. */
  delete(held: readonly HeldSpace[]): void {
    for (const each of held) {
      const usage = this.#of(each)
      this.#add(usage, -1)
      usage.kept = sum(usage.kept, each, -1)
      usage.mostDeleted = {
        bytes: Math.max(usage.mostDeleted.bytes, each.bytes),
        inodes: Math.max(usage.mostDeleted.inodes, each.inodes),
      }
      this.#add(usage, 1)
    }
  }

  #add({ mostDeleted, kept }: Usage, sign: 1 | -1): void {
    this.#bytes += sign * Math.max(0, mostDeleted.bytes - kept.bytes)
    this.#inodes += sign * Math.max(0, mostDeleted.inodes - kept.inodes)
  }

  #of({ writtenBy }: HeldSpace): Usage {
    const known = this.#usage.get(writtenBy)
    if (known !== undefined) return known
    const usage = { mostDeleted: { bytes: 0, inodes: 0 }, kept: { bytes: 0, inodes: 0 } }
    this.#usage.set(writtenBy, usage)
    return usage
  }
}

function sum(one: Usage['kept'], { bytes, inodes }: HeldSpace, sign: 1 | -1): Usage['kept'] {
  return { bytes: one.bytes + sign * bytes, inodes: one.inodes + sign * inodes }
}
