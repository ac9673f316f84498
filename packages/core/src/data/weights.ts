import { HoldfastError } from '../errors.ts'
import { sha256Hex } from '../integrity/index.ts'

export type Weights = readonly number[] | Float32Array | Float64Array

/** A choice by weight: takes a fraction from 0 to below 1, gives a sample. Holds 8 bytes a sample. */
export interface WeightedChoice {
  readonly identity: { readonly weights: string }
  readonly at: (drawn: number) => number
}

/** Throws `INVALID_ARGUMENT` unless there is one weight a sample, all finite and from 0, and one above. */
export function weightedChoice(samples: number, weights: Weights): WeightedChoice {
  if (weights.length !== samples) {
    throw new HoldfastError(
      'INVALID_ARGUMENT',
      `There are ${weights.length} weights for ${samples} samples. Give one for each.`,
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
    throw new HoldfastError('INVALID_ARGUMENT', `The weights must have a finite sum above 0, not ${total}.`)
  }
  return {
    identity: { weights: digestOf(weights) },
    at: (drawn) => firstAbove(sums, drawn * total),
  }
}

/** The first sample whose running sum is above the target: never one of weight 0. */
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

/** The SHA-256 of the weights as 64-bit little-endian floating-point numbers. */
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
    `The weight of sample ${sample} is ${weight}. A weight is finite, and 0 or more.`,
  )
}
