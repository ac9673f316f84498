import type { Actor } from './operations.ts'
import { Arrivals, type Row } from './arrivals.ts'
import { Components, type Move } from './components.ts'
import type { Protocol } from './protocol.ts'
import type { State } from './world.ts'

export interface Exploration {
  readonly states: number
  /** The shortest history that breaks a promise. */
  readonly counterexample: { readonly what: string; readonly history: readonly string[] } | undefined
}

/**
 * Visits every state that the actors can reach, nearest first, until one breaks a promise, no state is left, or `limit`
 * states are known. Complete states are compared, so no state is missed.
 */
export function explore(
  initial: State,
  actors: readonly Actor[],
  protocol: Protocol,
  limit = Infinity,
): Exploration {
  const components = new Components(actors, protocol)
  const arrivals = new Arrivals(1 + actors.length)
  arrivals.add(components.rowOf(initial), 0)
  let at = 0
  while (at < arrivals.size && arrivals.size < limit) {
    for (const beyond = arrivals.size; at < beyond; at++) {
      const row = arrivals.rowOf(at)
      const what = components.violationIn(row[0] ?? 0)
      if (what !== undefined) {
        return {
          states: arrivals.size,
          counterexample: { what, history: historyOf(at, arrivals, components) },
        }
      }
      for (const [index] of actors.entries()) {
        for (const move of movesFrom(row, index, components)) arrivals.add(after(row, index, move), at)
      }
    }
  }
  return { states: arrivals.size, counterexample: undefined }
}

function movesFrom(row: Row, index: number, components: Components): readonly Move[] {
  return components.movesOf(row[0] ?? 0, row[1 + index] ?? 0, index)
}

function after(row: Row, index: number, { world, own }: Move): Row {
  const next = [...row]
  next[0] = world
  next[1 + index] = own
  return next
}

function historyOf(last: number, arrivals: Arrivals, components: Components): readonly string[] {
  const history: string[] = []
  for (let at = last; at > 0; at = arrivals.parentOf(at)) {
    const from = arrivals.rowOf(arrivals.parentOf(at))
    history.unshift(nameOf(from, arrivals.rowOf(at), components))
  }
  return history
}

/** Returns the name of the step from one state to another. */
function nameOf(from: Row, to: Row, components: Components): string {
  for (let index = 0; 1 + index < from.length; index++) {
    const move = movesFrom(from, index, components).find((each) => isEqual(after(from, index, each), to))
    if (move !== undefined) return move.name
  }
  throw new Error('No step leads from one state of a history to the next')
}

function isEqual(one: Row, other: Row): boolean {
  return one.every((number, column) => number === other[column])
}
