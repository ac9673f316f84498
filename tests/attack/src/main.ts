/**
 * Attacks stores for a limited time: `node src/main.ts disk s3 --minutes 10 [--seed 7] [--results FILE]`. `--results`
 * continues an earlier run with the same file. `--seed N --stores 1` repeats the attack of one seed.
 */
import { parseArgs } from 'node:util'
import { exitOnSignals } from '@holdfast/test-servers'
import { campaign } from './campaign.ts'
import { openPlace, type PlaceName, placeNames } from './places.ts'
import { addResult, readResults, type Result, summaryOf } from './results.ts'

exitOnSignals()
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    minutes: { type: 'string', default: '10' },
    stores: { type: 'string', default: 'Infinity' },
    rounds: { type: 'string', default: '8' },
    seed: { type: 'string', default: String(Date.now() % 1e6) },
    results: { type: 'string' },
  },
})

for (const name of positionals.length === 0 ? placeNames : positionals.map(placeName)) await attack(name)

async function attack(placed: PlaceName): Promise<void> {
  await using place = await openPlace(placed)
  const { results: file } = values
  const earlier = file === undefined ? [] : await readResults(file)
  const results: Result[] = earlier.filter((result) => result.place === placed)
  const first = Number(values.seed) + results.length
  console.log(`attacking stores on ${place.name}, seeds from ${first}`)
  for (
    let index = 0;
    index < Number(values.stores) && secondsOf(results) < 60 * Number(values.minutes);
    index += 1
  ) {
    const report = await campaign(place, first + index, Number(values.rounds))
    const result = { place: placed, name: place.name, ...report }
    results.push(result)
    if (file !== undefined) await addResult(file, result)
    if (report.violations.length === 0) continue
    process.exitCode = 1
    if (placed === 'disk') console.log(`The stores are kept in ${place.keep()}.`)
    break
  }
  console.log(`${placed} (${place.name}): ${summaryOf(results)}`)
}

function secondsOf(results: readonly Result[]): number {
  return results.reduce((total, { seconds }) => total + seconds, 0)
}

function placeName(text: string): PlaceName {
  const found = placeNames.find((name) => name === text)
  if (found !== undefined) return found
  throw new Error(`The place ${text} does not exist. Choose from: ${placeNames.join(', ')}.`)
}
