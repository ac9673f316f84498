import { describe, expect, test } from 'vitest'
import { explore } from './explore.ts'
import { stuckFrom } from './liveness.ts'
import { product, type Protocol, stuckProtocols, unsafeProtocols } from './protocol.ts'
import { fairScenarios, type Scenario, scenarios, smallScenarios } from './scenarios.ts'

/** States of one scenario that are visited here. The long test and `main.ts` visit more. */
const limit = 2_000

/** States of one scenario within which a broken protocol must be caught. */
const patience = 50_000

describe.each(scenarios)('$name', (scenario) => {
  test('no interleaving, crash or lost response breaks a promise', () => {
    const { states, counterexample } = explore(scenario, product, limit)
    expect(counterexample).toBeUndefined()
    expect(states).toBeGreaterThanOrEqual(limit)
  })
})

test.each(fairScenarios)('lets every rank finish once all go on: $name', (scenario) => {
  expect(exploreFairly(scenario, product, limit)).toBeUndefined()
})

test.each(Object.entries(unsafeProtocols))('catches a protocol that breaks a promise: %s', (_, protocol) => {
  const isCaught = smallScenarios.some(
    (scenario) => explore(scenario, protocol, patience).counterexample !== undefined,
  )
  expect(isCaught).toBe(true)
})

test.each(Object.entries(stuckProtocols))(
  'catches a protocol that leaves a rank stuck: %s',
  (_, protocol) => {
    const isCaught = fairScenarios.some((scenario) => exploreFairly(scenario, protocol, limit) !== undefined)
    expect(isCaught).toBe(true)
  },
)

/** Lets the job run on from every fifth state. Returns how it is stuck; `undefined` if it never is. */
function exploreFairly(scenario: Scenario, protocol: Protocol, states: number): string | undefined {
  let visited = 0
  return explore(scenario, protocol, states, (job, state) => {
    visited += 1
    return visited % 5 === 0 ? stuckFrom(job, protocol, state, visited) : undefined
  }).counterexample?.what
}
