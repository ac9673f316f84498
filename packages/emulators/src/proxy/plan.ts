import { HoldfastError } from '@holdfast/core/backend'
import type { Fault, FaultPlan, ProxiedRequest } from './fault.ts'

export interface SeededPlan {
  /** The seed, a safe integer. With the same seed, the request at an index always has the same fault. */
  readonly seed: number
  /** The share of requests that have a fault, from 0 to 1. */
  readonly rate: number
  /** The possible faults. All have the same probability. */
  readonly faults: readonly Fault[]
  /** Returns whether a request may have a fault. Default: every request may. */
  readonly only?: (request: ProxiedRequest) => boolean
}

/**
 * Returns a plan that chooses faults pseudo-randomly. The choice depends only on the seed and the index of the request,
 * not on concurrent requests.
 *
 * @throws `INVALID_ARGUMENT` if the seed or the rate is out of range, or `faults` is empty.
 *
 * @example
 * const plan = seededPlan({ seed: 7, rate: 0.2, faults: [{ kind: 'reset' }, { kind: 'drop-answer' }] })
 */
export function seededPlan({ seed, rate, faults, only = () => true }: SeededPlan): FaultPlan {
  if (!Number.isSafeInteger(seed)) throw invalidOption(`seed must be a safe integer, not ${seed}.`)
  if (!(rate >= 0 && rate <= 1)) throw invalidOption(`rate must be a number from 0 to 1, not ${rate}.`)
  if (faults.length === 0) throw invalidOption('faults must contain at least one fault.')
  return (request) => {
    if (!only(request) || randomAt(seed, 2 * request.index) >= rate) return undefined
    return faults[Math.floor(randomAt(seed, 2 * request.index + 1) * faults.length)]
  }
}

function invalidOption(message: string): HoldfastError {
  return new HoldfastError('INVALID_ARGUMENT', message)
}

/** Returns the number at one position of the random sequence of a seed (mulberry32), from 0 (inclusive) to 1 (exclusive). */
function randomAt(seed: number, position: number): number {
  const state = (scrambled(seed) + Math.imul(position + 1, 0x6d2b79f5)) >>> 0
  let mixed = Math.imul(state ^ (state >>> 15), state | 1)
  mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
}

/** Scrambles the bits of a seed, so that adjacent seeds produce unrelated sequences. */
function scrambled(seed: number): number {
  let mixed = (seed ^ Math.floor(seed / 2 ** 32)) >>> 0
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b)
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
  return (mixed ^ (mixed >>> 16)) >>> 0
}
