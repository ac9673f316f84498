import { HoldfastError } from '../errors.ts'
import { sha256Hex } from '../integrity/index.ts'

/** The relative frequencies of the samples: one finite number of at least 0 per sample. */
export type Weights = readonly number[] | Float32Array | Float64Array

/** Maps a fraction of at least 0 and below 1 to a sample, by weight. Takes 8 bytes of memory per sample. */
export interface WeightedChoice {
  readonly identity: { readonly weights: string }
  readonly at: (drawn: number) => number
}

/** Throws `INVALID_ARGUMENT` unless each sample has a weight of at least 0, and their sum is finite and above 0. */
export function weightedChoice(samples: number, weights: Weights): WeightedChoice {
  if (weights.length !== samples) {
    throw new HoldfastError(
      'INVALID_ARGUMENT',
      `weights has ${weights.length} elements for ${samples} samples. Pass one weight for each sample.`,
    )
  }
  const sums = new Float64Array(samples)
  let total = 0
  weights.forEach((weight, sample) => {
    if (!(weight >= 0)) throw noWeight(weight, sample)
    total += weight
    sums[sample] = total
  })
  if (!(total > 0 && total < Infinity)) {
    throw new HoldfastError(
      'INVALID_ARGUMENT',
      `The sum of weights must be finite and greater than 0, not ${total}.`,
    )
  }
  return {
    identity: { weights: digestOf(weights) },
    at: (drawn) => firstAbove(sums, drawn * total),
  }
}

/** Returns the first sample whose running sum is above the target. Such a sample never has the weight 0. */
function firstAbove(sums: Float64Array, target: number): number {
  let from = 0
  let to = sums.length - 1
  while (from < to) {
    const middle = Math.floor((from + to) / 2)
    if ((sums[middle] ?? 0) > target) to = middle
    else from = middle + 1
  }
  return from
}

/** Returns the SHA-256 of the weights, written as 64-bit little-endian floating-point numbers. */
function digestOf(weights: Weights): string {
  const bytes = new DataView(new ArrayBuffer(weights.length * Float64Array.BYTES_PER_ELEMENT))
  weights.forEach((weight, sample) => {
    bytes.setFloat64(sample * Float64Array.BYTES_PER_ELEMENT, weight, true)
  })
  return sha256Hex(new Uint8Array(bytes.buffer))
}

function noWeight(weight: number, sample: number): HoldfastError {
  return new HoldfastError(
    'INVALID_ARGUMENT',
    `weights[${sample}] must be a finite number of at least 0, not ${weight}.`,
  )
}
