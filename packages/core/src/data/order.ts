import { HoldfastError } from '../errors.ts'
import { shown } from '../input/shown.ts'
import { fraction, hash, purposes } from './hash.ts'
import { Permutation } from './permutation.ts'
import { type Weights, weightedChoice } from './weights.ts'
import { assertWhole } from './whole.ts'

/** The order in which an epoch visits the samples. */
export type OrderOptions =
  | {
      /** `shuffled` visits every sample once per epoch, in an order that depends on the seed and the epoch. */
      readonly order: 'sequential' | 'shuffled'
      /** An integer from 0 to 2^53 - 1. Default: 0. */
      readonly seed?: number | undefined
    }
  | {
      /** Each position draws a sample with replacement: some samples come several times, some never. */
      readonly order: 'drawn'
      /** An integer from 0 to 2^53 - 1. Default: 0. */
      readonly seed?: number | undefined
      /** Number of draws in an epoch, at least 1. Default: the number of samples. */
      readonly draws?: number | undefined
      /** The relative frequency of each sample: one finite number of at least 0 per sample. Default: all equal. */
      readonly weights?: Weights | undefined
    }

export const orderFields = ['order', 'seed', 'draws', 'weights'] as const

/** The properties that a saved position and the data that it is loaded for must share. */
export type OrderIdentity =
  | { readonly kind: 'sequential' | 'shuffled'; readonly seed: number; readonly samples: number }
  | {
      readonly kind: 'drawn'
      readonly seed: number
      readonly samples: number
      readonly draws: number
      /** SHA-256 of the weights, in lower-case hexadecimal. */
      readonly weights?: string
    }

/** The global order of every epoch, before it is divided among the ranks. */
export interface Order {
  /** Number of positions in an epoch. */
  readonly length: number
  readonly identity: OrderIdentity
  /** Returns a function from a position in the epoch to the sample there. */
  readonly samplesOf: (epoch: number) => (position: number) => number
}

/** Builds the order over `samples` samples. Throws `INVALID_ARGUMENT` for an invalid option. */
export function orderOf(samples: number, options: OrderOptions): Order {
  const { order: kind, seed = 0 } = options
  assertWhole('The number of samples', samples, 1)
  assertWhole('seed', seed, 0)
  switch (kind) {
    case 'sequential':
      return { length: samples, identity: { kind, seed, samples }, samplesOf: () => (position) => position }
    case 'shuffled':
      return {
        length: samples,
        identity: { kind, seed, samples },
        samplesOf: (epoch) => {
          const permutation = new Permutation(samples, seed, epoch)
          return (position) => permutation.at(position)
        },
      }
    case 'drawn': {
      const { draws = samples, weights } = options
      assertWhole('draws', draws, 1)
      const choice = weights === undefined ? evenChoice(samples) : weightedChoice(samples, weights)
      return {
        length: draws,
        identity: { kind, seed, samples, draws, ...choice.identity },
        samplesOf: (epoch) => (position) => choice.at(drawnFraction(seed, epoch, position)),
      }
    }
    default:
      throw new HoldfastError(
        'INVALID_ARGUMENT',
        `order must be 'shuffled', 'sequential' or 'drawn', not ${shown(kind)}.`,
      )
  }
}

function evenChoice(samples: number) {
  return { identity: {}, at: (drawn: number) => Math.floor(drawn * samples) }
}

/** Depends only on its arguments, so that a resume can start at any position without earlier draws. */
function drawnFraction(seed: number, epoch: number, position: number): number {
  return fraction(hash(purposes.draw, seed, epoch, position), hash(purposes.draw + 1, seed, epoch, position))
}
