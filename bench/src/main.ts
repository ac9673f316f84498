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
import { groups } from './all-groups.ts'
import { quickScale } from './harness/scale.ts'
import { minutesOf, scaleOf } from './number-options.ts'
import { keep, writeReport } from './report/keep.ts'
import { durationText } from './report/units.ts'
import { runGroups, type Selection } from './run-groups.ts'
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
    folder: { type: 'string' },
  },
})

const folder = values.folder ?? tmpdir()
const isQuickSelection = positionals.join() === 'quick'

if (positionals.join() === 'report') {
  refuseOptions('report', [])
  await writeReport()
} else {
  if (isQuickSelection) refuseOptions('quick', ['folder'])
  await measureAll(isQuickSelection ? quickSelection : chosenSelection())
}

async function measureAll(selection: Selection): Promise<void> {
  const began = performance.now()
  const isKept = !values.quick && !isQuickSelection
  const leftOut: string[] = []
  for await (const ran of runGroups(selection, { folder, print })) {
    if ('why' in ran) {
      leftOut.push(`${ran.group}: ${ran.why}`)
      if (ran.error === undefined) continue
      process.stderr.write(`${inspect(ran.error)}\n`)
      process.exitCode = 1
    } else {
      leftOut.push(...ran.leftOut.map(({ what, why }) => `${ran.group}: ${what}: ${why}`))
      if (!isKept) continue
      // A run that is stopped loses only its current group.
      if (await keep(ran)) await writeReport()
      else print(`${ran.group} has no results, so its earlier results stay.`)
    }
  }
  print(`\nLeft out:${leftOut.length === 0 ? ' nothing' : ''}`)
  for (const line of leftOut) print(`- ${line}`)
  print(`The whole run took ${durationText((performance.now() - began) / 1000)}.`)
}

function chosenSelection(): Selection {
  const isWhole = positionals.length === 0
  return {
    names: isWhole ? Object.keys(groups) : positionals,
    scale: { ...(values.quick ? quickScale : {}), ...scaleOf(values) },
    minutes: minutesOf(values) ?? (isWhole ? wholeMinutes : undefined),
    // Rounds that the command states are all run.
    ...(values.rounds === undefined ? {} : { share: Infinity }),
    options: optionsOf(),
  }
}

/** Returns the options that change what is measured. */
function optionsOf(): readonly string[] {
  const { rounds, mebibytes, files, threads } = values
  return Object.entries({ rounds, mebibytes, files, threads }).flatMap(([name, value]) =>
    value === undefined ? [] : [`--${name} ${value}`],
  )
}

/** Throws if the command states an option that would have no effect. */
function refuseOptions(what: string, allowed: readonly string[]): void {
  const stated = Object.entries(values).flatMap(([name, value]) => (value === false ? [] : [name]))
  const [unused] = stated.filter((name) => !allowed.includes(name))
  if (unused !== undefined) throw new Error(`bench ${what} does not take --${unused}.`)
}

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}
