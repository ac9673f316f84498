/**
 * Measures:
 *
 *     npx -y pnpm@12 bench [GROUP...] [--quick] [--minutes N] [--rounds N] [--mebibytes N] [--files N] [--threads N,N]
 *       [--folder PATH]
 *
 * - Without a group, runs all within an hour. The results replace the earlier results of these groups in `results.json`,
 *   from which `RESULTS.md`, its chart and the costs in the README are written.
 * - `npx -y pnpm@12 bench quick` runs a few groups on less data within five minutes. It prints the results and keeps none.
 * - `npx -y pnpm@12 bench report` measures nothing, and writes the pages from `results.json` again.
 * - `--quick` checks that every contender produces the right bytes, on very little data. It keeps no results.
 */
import { tmpdir } from 'node:os'
import { inspect, parseArgs } from 'node:util'
import { groups } from './groups.ts'
import { quickScale, type Scale } from './harness/scale.ts'
import { keep, writeReport } from './report/keep.ts'
import { durationText } from './report/units.ts'
import { runGroups } from './run-groups.ts'
import { quickSelection, wholeMinutes } from './selections.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: 'boolean', default: false },
    minutes: { type: 'string' },
    rounds: { type: 'string' },
    mebibytes: { type: 'string' },
    files: { type: 'string' },
    threads: { type: 'string' },
    folder: { type: 'string', default: tmpdir() },
  },
})

const isQuickSelection = positionals.join() === 'quick'
if (positionals.join() === 'report') await writeReport()
else await measureAll()

async function measureAll(): Promise<void> {
  const began = performance.now()
  const isWhole = positionals.length === 0
  const isKept = !values.quick && !isQuickSelection
  const selection = isQuickSelection
    ? quickSelection
    : {
        names: isWhole ? Object.keys(groups) : positionals,
        scale: chosenScale(),
        minutes: values.minutes === undefined ? (isWhole ? wholeMinutes : undefined) : Number(values.minutes),
        // Rounds that the command states are all run.
        ...(values.rounds === undefined ? {} : { share: Infinity }),
        options: optionsOf(),
      }
  const left: string[] = []
  for await (const ran of runGroups(selection, { folder: values.folder, tell })) {
    if ('why' in ran) {
      left.push(`${ran.group}: ${ran.why}`)
      if (ran.error === undefined) continue
      process.stderr.write(`${inspect(ran.error)}\n`)
      process.exitCode = 1
    } else {
      left.push(...ran.left.map(({ what, why }) => `${ran.group}: ${what}: ${why}`))
      if (isKept) {
        await keep(ran, values.folder) // a run that is stopped loses only its current group
        await writeReport()
      }
    }
  }
  tell(`\nLeft out:${left.length === 0 ? ' nothing' : ''}`)
  for (const line of left) tell(`- ${line}`)
  tell(`The whole run took ${durationText((performance.now() - began) / 1000)}.`)
}

function chosenScale(): Partial<Scale> {
  return {
    ...(values.quick ? quickScale : {}),
    ...(values.rounds === undefined ? {} : { rounds: Number(values.rounds) }),
    ...(values.mebibytes === undefined ? {} : { bytes: Number(values.mebibytes) * 2 ** 20 }),
    ...(values.files === undefined ? {} : { files: Number(values.files) }),
    ...(values.threads === undefined ? {} : { threads: values.threads.split(',').map(Number) }),
  }
}

/** Returns the options that change what is measured. */
function optionsOf(): readonly string[] {
  const { rounds, mebibytes, files, threads } = values
  return Object.entries({ rounds, mebibytes, files, threads }).flatMap(([name, value]) =>
    value === undefined ? [] : [`--${name} ${value}`],
  )
}

function tell(line: string): void {
  process.stdout.write(`${line}\n`)
}
