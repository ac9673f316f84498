import type { FreeSpace } from '../backend.ts'

/** Milliseconds after which the use of a store is measured anew. */
const maxAge = 10 * 60 * 1000

/**
 * A budget for a store that has no end of its own. Its use is measured by listing, which is dear, so a measurement
 * is used again for a while: what this process stored since is added, and a delete has it measured anew.
 */
export class Quota {
  readonly #total: number
  readonly #measure: (signal: AbortSignal | undefined) => Promise<number>
  #measured: { readonly used: number; readonly at: Date } | undefined
  #storedSince = 0

  /** `total` in bytes; `measure` gives the bytes in use. */
  constructor(total: number, measure: (signal: AbortSignal | undefined) => Promise<number>) {
    this.#total = total
    this.#measure = measure
  }

  async freeSpace(signal?: AbortSignal): Promise<FreeSpace> {
    const known = this.#measured
    const measured =
      known !== undefined && Date.now() - known.at.getTime() < maxAge ? known : await this.#remeasure(signal)
    const available = Math.max(0, this.#total - measured.used - this.#storedSince)
    return { kind: 'budgeted', available, total: this.#total, measuredAt: measured.at }
  }

  /** Bytes that this process has stored. */
  stored(bytes: number): void {
    this.#storedSince += bytes
  }

  /** This process has deleted something. */
  deleted(): void {
    this.#measured = undefined
  }

  async #remeasure(signal: AbortSignal | undefined): Promise<{ readonly used: number; readonly at: Date }> {
    this.#storedSince = 0
    const at = new Date()
    this.#measured = { used: await this.#measure(signal), at }
    return this.#measured
  }
}

/** The quota of a store that has a total, measured by listing all that lies below its root. */
export function quotaOf(
  total: number | undefined,
  list: (signal: AbortSignal | undefined) => AsyncIterable<{ readonly size: number }>,
): Quota | undefined {
  if (total === undefined) return undefined
  return new Quota(total, async (signal) => {
    let used = 0
    for await (const { size } of list(signal)) used += size
    return used
  })
}
