import { HoldfastError } from '../errors.ts'
import { fraction, hash, purposes } from './hash.ts'
import { Permutation } from './permutation.ts'
import { type Weights, weightedChoice } from './weights.ts'
import { assertWhole } from './whole.ts'

/** In which order an epoch goes through the samples. */
export type OrderOptions =
  | {
      /** `shuffled`: every sample once, each epoch in another order that the seed decides. */
      readonly order: 'sequential' | 'shuffled'
      /** A whole number from 0. Default: 0. */
      readonly seed?: number | undefined
    }
  | {
      /** Each position draws a sample anew, with replacement: some come often, some never. */
      readonly order: 'drawn'
      readonly seed?: number | undefined
      /** How many samples an epoch draws. Default: as many as there are. */
      readonly draws?: number | undefined
      /** How often each sample is drawn, in relation to the others: finite, from 0. Default: all alike. */
      readonly weights?: Weights | undefined
    }

export const orderFields = ['order', 'seed', 'draws', 'weights'] as const

/** What a saved position must have in common with the data that it is loaded for. */
export type OrderIdentity =
  | { readonly kind: 'sequential' | 'shuffled'; readonly seed: number; readonly samples: number }
  | {
      readonly kind: 'drawn'
      readonly seed: number
      readonly samples: number
      readonly draws: number
      /** The SHA-256 of the weights. */
      readonly weights?: string
    }

/** The global order of every epoch: what all workers together go through, before it is dealt out to them. */
export interface Order {
  /** How many positions an epoch has. */
  readonly length: number
  readonly identity: OrderIdentity
  /** The sample at each position of an epoch. */
  readonly samplesOf: (epoch: number) => (position: number) => number
}

/** Throws `INVALID_ARGUMENT` for options that make no order. */
export function orderOf(samples: number, options: OrderOptions): Order {
  const { order: kind, seed = 0 } = options
  assertWhole('The number of samples', samples, 1)
  assertWhole('The seed', seed, 0)
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
      assertWhole('The number of draws', draws, 1)
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
        `The order is 'shuffled', 'sequential' or 'drawn', not ${JSON.stringify(kind)}.`,
      )
  }
}

function evenChoice(samples: number) {
  return { identity: {}, at: (drawn: number) => Math.floor(drawn * samples) }
}

/** A function of the position alone, so that any position can be asked for at any time. */
function drawnFraction(seed: number, epoch: number, position: number): number {
  return fraction(hash(purposes.draw, seed, epoch, position), hash(purposes.draw + 1, seed, epoch, position))
}
