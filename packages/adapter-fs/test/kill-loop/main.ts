/** Kills a writer over and over, on a real disk: `node test/kill-loop/main.ts --kills 200 [--seed 7]`. */
import { parseArgs } from 'node:util'
import { killLoop } from './kill-loop.ts'

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '200' },
    seed: { type: 'string', default: String(Date.now() % 1e9) },
  },
})
const kills = Number(values.kills)
const seed = Number(values.seed)
const began = performance.now()
console.log(`${kills} kills, seed ${seed} (repeat with --seed ${seed})`)
const cut = await killLoop({
  seed,
  kills,
  onKill: (kill) => {
    if ((kill + 1) % 50 === 0) console.log(`${kill + 1} kills, nothing lost`)
  },
})
const seconds = ((performance.now() - began) / 1000).toFixed(0)
const kinds = [...cut].map(([kind, times]) => `${kind} ${times}`).join(', ')
console.log(`${kills} kills in ${seconds} s, nothing lost. Cut short: ${kinds}`)
