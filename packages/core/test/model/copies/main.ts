/** Visits every state of copies with the rules of the product, and prints the number of states: `node test/model/copies/main.ts`. */
import { explore } from './explore.ts'
import { product } from './protocol.ts'
import { scenarios } from './scenarios.ts'

for (const { name, initial } of scenarios) {
  const began = performance.now()
  const { states, counterexample } = explore(initial, product)
  const seconds = ((performance.now() - began) / 1000).toFixed(0)
  console.log(
    `copies, ${name}: ${states} states in ${seconds} s, ${counterexample === undefined ? 'no violation' : counterexample.what}`,
  )
  for (const step of counterexample?.history ?? []) console.log(`  ${step}`)
  if (counterexample !== undefined) process.exitCode = 1
}
