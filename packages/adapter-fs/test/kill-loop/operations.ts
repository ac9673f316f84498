/** What a worker does to the store, and what the loop knows of it. */
export type Operation =
  | { readonly kind: 'save' | 'replace'; readonly id: string; readonly step: number }
  | { readonly kind: 'delete' | 'pin' | 'unpin'; readonly id: string; readonly step: number }
  | { readonly kind: 'take over' | 'sweep' | 'repair' | 'prune' | 'attach'; readonly id: string }

/** What every worker keeps, beside what is pinned: each save drops the others. */
export const keepLast = 6

/** A worker tells an operation before it begins, and again when the store has acknowledged it. */
export interface Message {
  readonly when: 'begins' | 'acknowledged'
  readonly operation: Operation
}

export function isMessage(value: unknown): value is Message {
  return typeof value === 'object' && value !== null && 'when' in value && 'operation' in value
}

/** A seeded generator (mulberry32): the same seed gives the same run, up to the moment of each kill. */
export class Random {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  /** A whole number from 0 to below the limit. */
  below(limit: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit
  }

  of<T>(choices: readonly [T, ...T[]]): T {
    return choices[this.below(choices.length)] ?? choices[0]
  }
}
