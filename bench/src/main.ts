/**
 * Runs groups of work: `pnpm bench [group...] [--quick] [--rounds N] [--mebibytes N] [--files N] [--folder PATH]`.
 * The results replace the earlier results of these groups in `results.json`, and `RESULTS.md` is written from it.
 */
import { readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { groups } from './groups.ts'
import { describeMachine } from './harness/machine.ts'
import { type Findings, type RanGroup, reportOf } from './harness/report.ts'
import { fullScale, quickScale, type Scale } from './harness/scale.ts'
import { runGroups } from './run-groups.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    mebibytes: { type: 'string' },
    files: { type: 'string' },
    folder: { type: 'string', default: tmpdir() },
  },
})

const names = positionals.length > 0 ? positionals : Object.keys(groups)
const resultsFile = fileURLToPath(new URL('../results.json', import.meta.url))
const reportFile = fileURLToPath(new URL('../RESULTS.md', import.meta.url))

for await (const ran of runGroups(names, chosenScale(), values.folder, tell)) {
  if (!values.quick) await keep(ran)
}

function chosenScale(): Scale {
  const scale = values.quick ? quickScale : fullScale
  return {
    ...scale,
    ...(values.rounds === undefined ? {} : { rounds: Number(values.rounds) }),
    ...(values.mebibytes === undefined ? {} : { bytes: Number(values.mebibytes) * 2 ** 20 }),
    ...(values.files === undefined ? {} : { files: Number(values.files) }),
  }
}

/** Saves results after each group, so that a run that is stopped loses only its current group. */
async function keep(ran: RanGroup): Promise<void> {
  const before = await earlier()
  const kept = [...before.filter(({ group }) => group !== ran.group), ran]
  const order = Object.keys(groups)
  const findings: Findings = {
    machine: await describeMachine(values.folder),
    groups: kept.toSorted((one, other) => order.indexOf(one.group) - order.indexOf(other.group)),
  }
  await writeFile(resultsFile, `${JSON.stringify(findings, undefined, 2)}\n`)
  await writeFile(reportFile, `${reportOf(findings)}\n`)
}

async function earlier(): Promise<readonly RanGroup[]> {
  const text = await readFile(resultsFile, 'utf8').catch(() => undefined)
  return text === undefined ? [] : (JSON.parse(text) as Findings).groups
}

function tell(line: string): void {
  process.stdout.write(`${line}\n`)
}
