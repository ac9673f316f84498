/**
 * Kills the processes of a job of many ranks: `npx -y pnpm@12 attack:ranks [PLACE...] [--kills 1000] [--saves 0]
 * [--training 3] [--ranks 8] [--seed 7] [--results FILE]`. The places are disk, s3, gcs and azure; by default, all of them. It
 * ends after these numbers of kills and joint saves. `--training` is the most seconds that a start of the job trains before the
 * kill. `--results` continues an earlier run with the same file: its kills and saves count. To repeat the job of one seed, pass
 * `--seed` with it and `--kills 1`.
 */
import { exitOnSignals } from '@holdfast/test-servers'
import { positiveNumber, readCommandLine, wholeNumber } from '../../../../scripts/parts/command-line.ts'
import { chosenPlaces, openPlace, type PlaceName } from '../places.ts'
import { addResult, readResults } from '../results.ts'
import { campaign, type CampaignReport } from './campaign.ts'

interface Result extends CampaignReport {
  readonly place: PlaceName
  readonly name: string
}

/** Kills after which a job goes to a new store. */
const killsOfStore = 40

/** Kills of each further job once only joint saves are missing: a few starts. */
const killsForSaves = 16

exitOnSignals()
const config = {
  allowPositionals: true,
  options: {
    kills: { type: 'string', default: '1000' },
    saves: { type: 'string', default: '0' },
    training: { type: 'string', default: '3' },
    ranks: { type: 'string', default: '8' },
    seed: { type: 'string', default: String(Date.now() % 1e6) },
    results: { type: 'string' },
  },
} as const
const options = readCommandLine(import.meta.filename, config, ({ values, positionals }) => ({
  places: chosenPlaces(positionals),
  kills: wholeNumber('--kills', values.kills, 0),
  saves: wholeNumber('--saves', values.saves, 0),
  /** Milliseconds. */
  training: 1000 * positiveNumber('--training', values.training),
  ranks: wholeNumber('--ranks', values.ranks),
  seed: wholeNumber('--seed', values.seed, 0),
  file: values.results,
}))
for (const place of options.places) await attack(place)

async function attack(placed: PlaceName): Promise<void> {
  await using place = await openPlace(placed)
  const { file, ranks: size, training } = options
  const earlier = file === undefined ? [] : await readResults<Result>(file)
  const results = earlier.filter((result) => result.place === placed)
  const first = options.seed + results.length
  console.log(`killing ranks of jobs on ${place.name}, seeds from ${first}`)
  for (let index = 0; ; index += 1) {
    const killsLeft = options.kills - killsOf(results)
    if (killsLeft <= 0 && savesOf(results) >= options.saves) break
    const kills = killsLeft > 0 ? Math.min(killsOfStore, killsLeft) : killsForSaves
    const report = await campaign(place, { seed: first + index, size, kills, longestTraining: training })
    const result = { place: placed, name: place.name, ...report }
    results.push(result)
    if (file !== undefined) await addResult(file, result)
    console.log(summaryOf(placed, results))
    if (report.violations.length === 0) continue
    process.exitCode = 1
    if (placed === 'disk') console.log(`The stores are kept in ${place.keep()}.`)
    break
  }
}

function killsOf(results: readonly Result[]): number {
  return results.reduce((sum, { kills }) => sum + kills, 0)
}

function savesOf(results: readonly Result[]): number {
  return results.reduce((sum, { saves }) => sum + saves, 0)
}

function summaryOf(placed: PlaceName, results: readonly Result[]): string {
  const sum = (number: (result: Result) => number): string =>
    results.reduce((total, result) => total + number(result), 0).toLocaleString('en')
  const broken = results.flatMap(({ seed, violations }) =>
    violations.map((what) => `\n  seed ${seed}: ${what}`),
  )
  const verdict = broken.length === 0 ? 'no promise was broken' : `BROKEN PROMISES:${broken.join('')}`
  return (
    `${placed}: ${results.length} jobs, ${sum(({ seconds }) => seconds)} s: ${sum(({ kills }) => kills)} SIGKILL, ` +
    `${sum(({ resumes }) => resumes)} resumes, ${sum(({ saves }) => saves)} joint saves, ` +
    `${sum(({ acknowledged }) => acknowledged)} acknowledgements; ${verdict}`
  )
}
