import { HoldfastError } from '@holdfast/core/backend'
import type { Fault, FaultPlan, ProxiedRequest } from './fault.ts'

export interface SeededPlan {
  /** A safe integer. The same seed gives the same request, by its index, the same fault. */
  readonly seed: number
  /** The share of requests that get a fault, from 0 to 1. */
  readonly rate: number
  /** What they get, each as likely as the others. */
  readonly faults: readonly Fault[]
  /** Which requests may get one. All when not given. */
  readonly only?: (request: ProxiedRequest) => boolean
}

/**
 * A plan that a seed decides. It keeps no state: what a request gets depends on its index alone, however many
 * requests are under way.
 *
 * @throws `INVALID_ARGUMENT` for a seed or a rate out of range, and for no faults at all.
 *
 * @example
 * const plan = seededPlan({ seed: 7, rate: 0.2, faults: [{ kind: 'reset' }, { kind: 'drop-answer' }] })
 */
export function seededPlan({ seed, rate, faults, only = () => true }: SeededPlan): FaultPlan {
  if (!Number.isSafeInteger(seed)) throw wrong(`The seed ${seed} is not a whole number.`)
  if (!(rate >= 0 && rate <= 1)) throw wrong(`The rate ${rate} is not from 0 to 1.`)
  if (faults.length === 0) throw wrong('A seeded plan needs at least one fault to choose from.')
  return (request) => {
    if (!only(request) || drawn(seed, 2 * request.index) >= rate) return undefined
    return faults[Math.floor(drawn(seed, 2 * request.index + 1) * faults.length)]
  }
}

function wrong(message: string): HoldfastError {
  return new HoldfastError('INVALID_ARGUMENT', message)
}

/** The number, from 0 to below 1, at one place of the sequence of a seed (mulberry32, entered at any place). */
function drawn(seed: number, place: number): number {
  const state = (scrambled(seed) + Math.imul(place + 1, 0x6d2b79f5)) >>> 0
  let mixed = Math.imul(state ^ (state >>> 15), state | 1)
  mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
}

/** Seeds beside each other give sequences that have nothing in common. */
function scrambled(seed: number): number {
  let mixed = (seed ^ Math.floor(seed / 2 ** 32)) >>> 0
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b)
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
  return (mixed ^ (mixed >>> 16)) >>> 0
}
