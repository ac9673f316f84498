import { mkdtemp, rm } from 'node:fs/promises'
import { loadavg } from 'node:os'
import { join } from 'node:path'
import { UsageError } from '../../scripts/parts/command-line.ts'
import { groups } from './all-groups.ts'
import { Bench } from './harness/bench.ts'
import { TimeBudget } from './harness/budget.ts'
import type { Group } from './harness/group.ts'
import { messageOf } from './harness/command.ts'
import { fullScale, type Scale } from './harness/scale.ts'
import { setAside } from './harness/set-aside.ts'
import type { RanGroup } from './report/findings.ts'
import { describeMachine } from './report/machine.ts'

export interface Selection {
  /** The names of groups, in the order in which they run. */
  readonly names: readonly string[]
  /** What differs from the scale of each group. */
  readonly scale: Partial<Scale>
  /** Minutes after which no group begins, and the group that runs takes no further rounds. `undefined`: no limit. */
  readonly minutes: number | undefined
  /** Factor for the time of each group. Default: 1. `Infinity` lets each group run all of its rounds. */
  readonly share?: number
  /** The options of the command, with which it repeats the measurement. */
  readonly options: readonly string[]
}

export interface RunOptions {
  /** The folder on the disk that is measured. */
  readonly folder: string
  readonly print: (line: string) => void
}

/** A group without results: it did not begin, or it failed with `error`. */
export interface LeftOutGroup {
  readonly group: string
  readonly why: string
  readonly error?: unknown
}

const minute = 60_000

/**
 * Runs groups of work one after another. Each has its own folder. All are deleted at the end. The others run if one fails.
 * Throws before the first one if a name is wrong.
 */
export async function* runGroups(
  { names, scale, minutes = Infinity, share = 1, options }: Selection,
  { folder: parent, print }: RunOptions,
): AsyncGenerator<RanGroup | LeftOutGroup> {
  const chosen = names.map((name) => ({ name, group: groupOf(name) }))
  const machine = await describeMachine(parent)
  const ends = performance.now() + minutes * minute
  const root = await mkdtemp(join(parent, 'holdfast-bench-'))
  await using _ = { [Symbol.asyncDispose]: () => rm(root, { recursive: true, force: true }) }
  const aside = join(root, 'aside')
  for (const { name, group } of chosen) {
    if (performance.now() >= ends) {
      yield { group: name, why: `the ${minutes} minutes were over` }
      continue
    }
    const folder = await mkdtemp(join(root, `${name}-`))
    try {
      print(`\n== ${name}`)
      const ranAt = new Date().toISOString()
      const began = performance.now()
      const budget = new TimeBudget(Math.min(group.minutes * share * minute, ends - began), group.works)
      const bench = new Bench({ ...fullScale, ...group.scale, ...scale }, { folder, aside }, budget, print)
      await group.run(bench)
      const seconds = Math.round((performance.now() - began) / 1000)
      print(`${name} took ${seconds} s`)
      const command = ['npx -y pnpm@12 bench', name, ...options].join(' ')
      yield { ...bench.result(name), ranAt, seconds, command, machine, load: loadavg()[2] ?? 0 }
    } catch (error) {
      yield {
        group: name,
        why: `it failed: ${messageOf(error)}`,
        error,
      }
    } finally {
      await setAside(folder, aside)
    }
  }
}

/** Returns the group with a name. Throws `UsageError` if there is none. */
export function groupOf(name: string): Group {
  const group = Object.hasOwn(groups, name) ? groups[name] : undefined
  if (group !== undefined) return group
  throw new UsageError(`The group ${name} does not exist. Choose among: ${Object.keys(groups).join(', ')}.`)
}
