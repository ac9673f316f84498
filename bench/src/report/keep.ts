import { existsSync } from 'node:fs'
import { readFile, rename, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { groups } from '../all-groups.ts'
import { chartOf } from './chart.ts'
import { costsOf, withCosts } from './costs.ts'
import type { Findings, RanGroup } from './findings.ts'
import { headlinesOf } from './headlines.ts'
import { reportOf } from './report.ts'

const chartName = 'ratios.svg'
const inBench = (name: string): string => fileURLToPath(new URL(`../../${name}`, import.meta.url))
const resultsFile = inBench('results.json')
const readmeFile = inBench('../README.md')

/** Replaces the earlier results of a group, unless the run has none. Returns whether it has some. */
export async function keep(ran: RanGroup, file = resultsFile): Promise<boolean> {
  if (ran.works.length === 0) return false
  const before = await readFindings(file)
  const kept = [...(before?.groups ?? []).filter(({ group }) => group !== ran.group), ran]
  const order = Object.keys(groups)
  const findings: Findings = {
    groups: kept
      .filter(({ group }) => order.includes(group))
      .toSorted((one, other) => order.indexOf(one.group) - order.indexOf(other.group)),
  }
  // A run that is stopped here loses no results.
  const temporary = `${file}.tmp`
  await writeFile(temporary, `${JSON.stringify(findings, undefined, 2)}\n`)
  await rename(temporary, file)
  return true
}

/** Writes `RESULTS.md`, its chart, and the costs in the README from `results.json`. */
export async function writeReport(): Promise<void> {
  const findings = await readFindings()
  if (findings === undefined)
    throw new Error('There is no bench/results.json. Run `npx -y pnpm@12 bench` first.')
  const measured = findings.groups.map(({ group }) => group)
  const absent = Object.keys(groups).filter((name) => !measured.includes(name))
  await writeFile(inBench('RESULTS.md'), `${reportOf(findings, chartName, absent)}\n`)
  await writeFile(inBench(chartName), await chartOf(headlinesOf(findings)))
  await writeFile(readmeFile, withCosts(await readFile(readmeFile, 'utf8'), costsOf(findings)))
}

async function readFindings(file = resultsFile): Promise<Findings | undefined> {
  if (!existsSync(file)) return undefined
  return JSON.parse(await readFile(file, 'utf8')) as Findings
}
