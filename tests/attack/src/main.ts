/**
 * Attacks stores for a limited time: `npx -y pnpm@12 attack [PLACE...] [--minutes 10] [--stores N] [--rounds 8] [--seed 7]
 * [--results FILE]`. The places are disk, s3, gcs and azure; by default, all of them. `--results` continues an earlier run with
 * the same file. `--seed N --stores 1` repeats the attack of one seed.
 */
import { exitOnSignals } from '@holdfast/test-servers'
import { positiveNumber, readCommandLine, wholeNumber } from '../../../scripts/parts/command-line.ts'
import { campaign } from './campaign.ts'
import { chosenPlaces, openPlace, type PlaceName } from './places.ts'
import { addResult, readResults, type Result, summaryOf } from './results.ts'

exitOnSignals()
const config = {
  allowPositionals: true,
  options: {
    minutes: { type: 'string', default: '10' },
    stores: { type: 'string' },
    rounds: { type: 'string', default: '8' },
    seed: { type: 'string', default: String(Date.now() % 1e6) },
    results: { type: 'string' },
  },
} as const
const options = readCommandLine(import.meta.filename, config, ({ values, positionals }) => ({
  places: chosenPlaces(positionals),
  minutes: positiveNumber('--minutes', values.minutes),
  stores: values.stores === undefined ? Infinity : wholeNumber('--stores', values.stores),
  rounds: wholeNumber('--rounds', values.rounds),
  seed: wholeNumber('--seed', values.seed, 0),
  file: values.results,
}))

for (const place of options.places) await attack(place)

async function attack(placed: PlaceName): Promise<void> {
  await using place = await openPlace(placed)
  const { file, minutes, stores, rounds, seed } = options
  const earlier = file === undefined ? [] : await readResults(file)
  const results: Result[] = earlier.filter((result) => result.place === placed)
  const first = seed + results.length
  console.log(`attacking stores on ${place.name}, seeds from ${first}`)
  for (let index = 0; index < stores && secondsOf(results) < 60 * minutes; index += 1) {
    const report = await campaign(place, first + index, rounds)
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
