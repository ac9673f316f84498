/**
 * Visits every state of every scenario with the rules of the product, and prints the number of states: `node
 * test/model/main.ts`. The largest scenarios have more than 40 million. It takes about a quarter of an hour and 5 GB.
 */
import { explore } from './explore.ts'
import { product } from './protocol.ts'
import { scenarios } from './scenarios.ts'

for (const { name, actors, initial } of scenarios) {
  const began = performance.now()
  const { states, counterexample } = explore(initial, actors, product)
  const seconds = ((performance.now() - began) / 1000).toFixed(0)
  console.log(
    `${name}: ${states} states in ${seconds} s, ${counterexample === undefined ? 'no violation' : counterexample.what}`,
  )
  for (const step of counterexample?.history ?? []) console.log(`  ${step}`)
  if (counterexample !== undefined) process.exitCode = 1
}
