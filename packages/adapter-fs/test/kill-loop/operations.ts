/** An operation of a worker on the store, as the loop sees it. */
export type Operation =
  | { readonly kind: 'save' | 'replace'; readonly id: string; readonly step: number }
  | {
      readonly kind: 'delete' | 'remove' | 'undo' | 'pin' | 'unpin'
      readonly id: string
      readonly step: number
    }
  | { readonly kind: 'take over' | 'sweep' | 'repair' | 'prune' | 'attach'; readonly id: string }

/** The retention of every worker. Each save drops older checkpoints, except pinned ones. */
export const keepLast = 6

/** A worker reports an operation before it begins, and again when the store has acknowledged it. */
export interface Message {
  readonly when: 'begins' | 'acknowledged'
  readonly operation: Operation
}

export function isMessage(value: unknown): value is Message {
  return typeof value === 'object' && value !== null && 'when' in value && 'operation' in value
}

/** A seeded generator (mulberry32). The same seed gives the same run, except for the moments of the kills. */
export class Random {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  /** Returns an integer from 0 to below the limit. */
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
