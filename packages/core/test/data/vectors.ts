import { readFileSync } from 'node:fs'

interface Vectors {
  readonly permutation: readonly {
    readonly size: number
    readonly seed: number
    readonly epoch: number
    readonly positions: readonly number[]
    readonly samples: readonly number[]
  }[]
  readonly draws: readonly {
    readonly samples: number
    readonly seed: number
    readonly epoch: number
    readonly weights?: readonly number[]
    readonly weightsSha256?: string
    readonly positions: readonly number[]
    readonly drawn: readonly number[]
  }[]
  readonly random: readonly {
    readonly seeds: readonly number[]
    readonly state: readonly number[]
    readonly uint32: readonly number[]
    readonly after: readonly number[]
    readonly next: readonly number[]
  }[]
  readonly randomOfSample: readonly {
    readonly seed: number
    readonly epoch: number
    readonly position: number
    readonly state: readonly number[]
    readonly uint32: readonly number[]
    readonly next: readonly number[]
  }[]
}

/** The results that every implementation of docs/data.md must produce. reference.py computes them independently. */
export const vectors = JSON.parse(
  readFileSync(new URL('../../../../docs/data-vectors.json', import.meta.url), 'utf8'),
) as Vectors
