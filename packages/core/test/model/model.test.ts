import { describe, expect, test } from 'vitest'
import { explore } from './explore.ts'
import { brokenProtocols, product } from './protocol.ts'
import { scenarios } from './scenarios.ts'

/** The number of states of one scenario to visit here. `main.ts` visits all of them. */
const limit = 300_000

/** States within which a broken protocol must be caught. Most are caught within the first of these limits in some scenario. */
const patience = [30_000, 500_000]

describe.each(scenarios)('$name', ({ actors, initial }) => {
  test('no interleaving, crash or lost response breaks a promise', () => {
    const { states, counterexample } = explore(initial, actors, product, limit)
    expect(counterexample).toBeUndefined()
    expect(states).toBeGreaterThan(10_000)
  })
})

describe('detects a broken protocol by the shortest history that shows the fault', () => {
  test.each(Object.entries(brokenProtocols))('%s', (_, protocol) => {
    const isCaught = patience.some((states) =>
      scenarios.some(
        ({ actors, initial }) => explore(initial, actors, protocol, states).counterexample !== undefined,
      ),
    )
    expect(isCaught).toBe(true)
  })
})
