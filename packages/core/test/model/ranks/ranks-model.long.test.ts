import { expect, test } from 'vitest'
import { explore } from './explore.ts'
import { product } from './protocol.ts'
import { scenarios } from './scenarios.ts'

const effort = Number(process.env['HOLDFAST_TEST_EFFORT'] ?? 1)

/** States of one scenario that are visited here. `main.ts` visits more. */
const limit = 25_000 * effort

test.each(scenarios)('no interleaving, crash or lost response breaks a promise: $name', (scenario) => {
  expect(explore(scenario, product, limit).counterexample).toBeUndefined()
})
