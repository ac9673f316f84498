import { expect, test } from 'vitest'
import { explore } from './explore.ts'
import { brokenProtocols, product } from './protocol.ts'
import { scenarios } from './scenarios.ts'

/** The number of states of one scenario to visit here. `main.ts` visits all of them. */
const limit = 3000

/** States within which a broken protocol must be caught in some scenario. */
const patience = 8000

test.each(scenarios)('no interleaving, crash or sweep breaks a promise of copies: $name', ({ initial }) => {
  const { states, counterexample } = explore(initial, product, limit)
  expect(counterexample).toBeUndefined()
  expect(states).toBeGreaterThan(100)
})

test.each(Object.entries(brokenProtocols))('detects that %s', (_, protocol) => {
  const isCaught = scenarios.some(({ initial }) => {
    const what = explore(initial, protocol, patience).counterexample?.what
    return what?.includes(' is listed') === true
  })
  expect(isCaught).toBe(true)
})
