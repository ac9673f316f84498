import { readFile, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { groups } from '../groups.ts'
import { chartOf } from './chart.ts'
import { costsOf, withCosts } from './costs.ts'
import type { Findings, RanGroup } from './findings.ts'
import { headlinesOf } from './headlines.ts'
import { describeMachine } from './machine.ts'
import { reportOf } from './report.ts'

const chartName = 'ratios.svg'
const inBench = (name: string): string => fileURLToPath(new URL(`../../${name}`, import.meta.url))
const resultsFile = inBench('results.json')
const readmeFile = inBench('../README.md')

/** Replaces the earlier results of a group. */
export async function keep(ran: RanGroup, folder: string): Promise<void> {
  const before = await readFindings()
  const kept = [...(before?.groups ?? []).filter(({ group }) => group !== ran.group), ran]
  const order = Object.keys(groups)
  const findings: Findings = {
    machine: await describeMachine(folder),
    groups: kept
      .filter(({ group }) => order.includes(group))
      .toSorted((one, other) => order.indexOf(one.group) - order.indexOf(other.group)),
  }
  await writeFile(resultsFile, `${JSON.stringify(findings, undefined, 2)}\n`)
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

async function readFindings(): Promise<Findings | undefined> {
  const text = await readFile(resultsFile, 'utf8').catch(() => undefined)
  return text === undefined ? undefined : (JSON.parse(text) as Findings)
}
