import { Numbering } from '../numbering.ts'
import type { Protocol } from './protocol.ts'
import { copierSteps, otherSteps, violation } from './steps.ts'
import type { State } from './world.ts'

export interface Exploration {
  readonly states: number
  /** The shortest history that breaks a promise. */
  readonly counterexample: { readonly what: string; readonly history: readonly string[] } | undefined
}

interface Visit {
  readonly state: State
  readonly before: Visit | undefined
  readonly name: string
}

/** Visits every state that can be reached, nearest first, until one breaks a promise, none is left, or `limit` are known. */
export function explore(initial: State, protocol: Protocol, limit = Infinity): Exploration {
  const catalogs = new Numbering<State['catalog']>((catalog) => JSON.stringify(catalog))
  const textOf = ({ catalog, ...others }: State): string =>
    `${catalogs.numberOf(catalog)} ${JSON.stringify(others)}`
  const seen = new Set([textOf(initial)])
  let frontier: Visit[] = [{ state: initial, before: undefined, name: '' }]
  while (frontier.length > 0 && seen.size < limit) {
    const beyond: Visit[] = []
    for (const visit of frontier) {
      const { state } = visit
      const steps = [
        ...state.copiers.flatMap((_, index) => copierSteps(state, index, protocol)),
        ...otherSteps(state, protocol),
      ]
      for (const { name, next } of steps) {
        const text = textOf(next)
        if (seen.has(text)) continue
        seen.add(text)
        const after = { state: next, before: visit, name }
        const what = violation(next)
        if (what !== undefined)
          return { states: seen.size, counterexample: { what, history: historyOf(after) } }
        beyond.push(after)
      }
    }
    frontier = beyond
  }
  return { states: seen.size, counterexample: undefined }
}

function historyOf(visit: Visit): readonly string[] {
  const history: string[] = []
  for (let at = visit; at.before !== undefined; at = at.before) history.unshift(at.name)
  return history
}
