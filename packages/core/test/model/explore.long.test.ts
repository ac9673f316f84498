import { describe, expect, test } from 'vitest'
import { stepsOf } from './actors.ts'
import type { Actor } from './operations.ts'
import { type Exploration, explore } from './explore.ts'
import { brokenProtocols, product, type Protocol } from './protocol.ts'
import { scenarios } from './scenarios.ts'
import { type State, type Step, violation } from './world.ts'

const effort = Number(process.env['HOLDFAST_TEST_EFFORT'] ?? 1)

/** The number of states of one scenario that are also visited without components. */
const limit = 500 * effort

/** A state with the names of the steps that lead to it. */
interface Visit {
  readonly state: State
  readonly history: readonly string[]
}

/** Does the same as `explore` with complete states, and computes every step each time. */
function explorePlainly(initial: State, actors: readonly Actor[], protocol: Protocol): Exploration {
  const seen = new Set([textOf(initial)])
  let frontier: readonly Visit[] = [{ state: initial, history: [] }]
  while (frontier.length > 0 && seen.size < limit) {
    const beyond: Visit[] = []
    for (const { state, history } of frontier) {
      const what = violation(state.world)
      if (what !== undefined) return { states: seen.size, counterexample: { what, history } }
      for (const { name, next } of actors.flatMap((_, index) => stepsFrom(state, index, actors, protocol))) {
        if (seen.has(textOf(next))) continue
        seen.add(textOf(next))
        beyond.push({ state: next, history: [...history, name] })
      }
    }
    frontier = beyond
  }
  return { states: seen.size, counterexample: undefined }
}

function stepsFrom(
  { world, actors: owns }: State,
  index: number,
  actors: readonly Actor[],
  protocol: Protocol,
): readonly { readonly name: string; readonly next: State }[] {
  const [actor, own] = [actors[index], owns[index]]
  if (actor === undefined || own === undefined) return []
  return stepsOf({ world, own }, index, actor, protocol).map(({ name, next }: Step) => ({
    name,
    next: { world: next.world, actors: owns.with(index, next.own) },
  }))
}

function textOf(state: State): string {
  return JSON.stringify(state, (_, value: unknown) =>
    value instanceof Set || value instanceof Map ? [...value].sort() : value,
  )
}

describe.each(scenarios)('$name', ({ actors, initial }) => {
  test.each(Object.entries({ product, ...brokenProtocols }))(
    'is explored as if every state were kept whole: %s',
    (_, protocol) => {
      expect(explore(initial, actors, protocol, limit)).toEqual(explorePlainly(initial, actors, protocol))
    },
  )
})
