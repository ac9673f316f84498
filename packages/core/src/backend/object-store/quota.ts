import type { FreeSpace } from '../backend.ts'

/** Milliseconds after which the usage of a store is measured again. */
const maxAge = 10 * 60 * 1000

/**
 * A quota for a store without a limit of its own. Listing the store to measure its usage is expensive, so a measurement
 * is reused for a while. What this process has stored since is added, and a delete causes a new measurement.
 */
export class Quota {
  readonly #total: number
  readonly #measure: (signal: AbortSignal | undefined) => Promise<number>
  #measured: { readonly used: number; readonly at: Date } | undefined
  #storedSince = 0

  /** `total` is in bytes. `measure` returns the bytes in use. */
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

  /** Adds bytes that this process has stored. */
  stored(bytes: number): void {
    this.#storedSince += bytes
  }

  /** Discards the measurement, since this process has deleted objects. */
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

/** Returns the quota of a store, measured by listing all objects below its root; `undefined` without a total. */
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
