/**
 * Visits the states of every scenario of ranks with the product's rules, and prints how many there are:
 * `node test/model/ranks/main.ts [states]`. By default it stops after 400,000 states of a scenario. A few scenarios have more.
 */
import { explore } from './explore.ts'
import { product } from './protocol.ts'
import { scenarios } from './scenarios.ts'

const limit = Number(process.argv[2] ?? 400_000)
for (const scenario of scenarios) {
  const began = performance.now()
  const { states, isComplete, counterexample } = explore(scenario, product, limit)
  const seconds = ((performance.now() - began) / 1000).toFixed(0)
  const outcome = counterexample?.what ?? (isComplete ? 'no violation' : 'no violation so far')
  console.log(`${scenario.name}: ${states} states in ${seconds} s, ${outcome}`)
  for (const step of counterexample?.history ?? []) console.log(`  ${step}`)
  if (counterexample !== undefined) process.exitCode = 1
}
