import { describe, expect, test } from 'vitest'
import { explore } from './explore.ts'
import { brokenProtocols, product } from './protocol.ts'
import { scenarios } from './scenarios.ts'

/** States of one scenario that are visited here; `main.ts` visits them all. */
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

describe('a broken protocol is caught, with the shortest history that shows it', () => {
  test.each(Object.entries(brokenProtocols))('%s', (_, protocol) => {
    const isCaught = patience.some((states) =>
      scenarios.some(
        ({ actors, initial }) => explore(initial, actors, protocol, states).counterexample !== undefined,
      ),
    )
    expect(isCaught).toBe(true)
  })
})
