import { fork } from 'node:child_process'
import { once } from 'node:events'
import { readCommandLine, wholeNumber } from '../../../../scripts/parts/command-line.ts'
import { seedRanges, type SeedRange } from './seed-ranges.ts'
import type { Schedule } from './simulate.ts'

/** What a range of schedules has counted. */
type Counts = Readonly<Record<string, number>>

interface Simulation<Result extends Schedule> {
  /** The path of the program, whose first comment is its help. */
  readonly program: string
  readonly simulate: (seed: number) => Promise<Result>
  /** The number of schedules if the command line names none. */
  readonly schedules: number
  /** What a schedule adds to the sums that the program prints. */
  readonly count: (schedule: Result) => Counts
}

/**
 * Runs the schedules of the command line: `[--schedules N] [--seed S] [--processes P]`. `--schedules 1` repeats the schedule
 * of a seed. The seeds are divided into ranges, of which P processes run one each at a time. Each range prints its seeds and its
 * sums, so that a run that was ended continues with the seeds that were not printed.
 */
export async function runSchedules<Result extends Schedule>(simulation: Simulation<Result>): Promise<void> {
  const config = {
    options: {
      schedules: { type: 'string', default: `${simulation.schedules}` },
      seed: { type: 'string', default: `${Date.now() % 1e9}` },
      processes: { type: 'string', default: '1' },
    },
  } as const
  const { all, processes } = readCommandLine(simulation.program, config, ({ values }) => ({
    all: {
      first: wholeNumber('--seed', values.seed, 0),
      schedules: wholeNumber('--schedules', values.schedules),
    },
    processes: wholeNumber('--processes', values.processes),
  }))
  const ranges = seedRanges(all, processes)
  if (process.channel === undefined) console.log(`${all.schedules} schedules from seed ${all.first}`)
  if (ranges.length > 1) await runInProcesses(all, ranges, processes)
  else await runRange(all, simulation)
}

async function runRange<Result extends Schedule>(
  range: SeedRange,
  { simulate, count }: Simulation<Result>,
): Promise<void> {
  endWithParent()
  // Stacks take time, and a single schedule repeats a violation with them.
  if (range.schedules > 1) Error.stackTraceLimit = 0
  let sums: Counts = {}
  let seed = range.first
  const tellSeed = (): void => {
    console.error(`Repeat with: --schedules 1 --seed ${seed}`)
  }
  process.on('uncaughtExceptionMonitor', tellSeed)
  // A schedule that hangs is ended by a signal. Its seed repeats it.
  process.once('SIGTERM', () => {
    tellSeed()
    process.exit(143)
  })
  for (; seed < range.first + range.schedules; seed += 1) {
    const schedule = await simulate(seed)
    sums = added(sums, { ...count(schedule), 'with a disk that writes ahead': Number(schedule.writesAhead) })
    if (schedule.violation === undefined) continue
    if (schedule.writesAhead) console.error('The disk of this schedule writes ahead.')
    throw schedule.violation
  }
  const { user, system } = process.cpuUsage()
  sums = { ...sums, 'CPU seconds': Math.round((user + system) / 1e6) }
  report(range, sums)
  process.send?.(sums)
}

/** Ends a forked process with its parent, also if that was killed. A channel that is only listened to does not keep it alive. */
function endWithParent(): void {
  process.once('disconnect', () => process.exit())
  process.channel?.unref()
}

async function runInProcesses(
  all: SeedRange,
  ranges: readonly SeedRange[],
  processes: number,
): Promise<void> {
  const waiting = ranges.values()
  let sums: Counts = {}
  const work = async (): Promise<void> => {
    for (const { first, schedules } of waiting) {
      if (process.exitCode !== undefined) return
      const child = fork(process.argv[1] ?? '', [`--schedules=${schedules}`, `--seed=${first}`])
      child.on('message', (counts) => {
        sums = added(sums, counts as Counts)
      })
      const [code, signal] = (await once(child, 'close')) as [number | null, string | null]
      if (code === 0) continue
      console.error(`seeds ${first} to ${first + schedules - 1}: ended with ${code ?? signal}`)
      process.exitCode = 1
    }
  }
  await Promise.all(Array.from({ length: processes }, work))
  if (process.exitCode === undefined) report(all, sums)
}

function report({ first, schedules }: SeedRange, sums: Counts): void {
  const counts = Object.entries(sums).map(([name, sum]) => `${sum} ${name}`)
  console.log(
    `seeds ${first} to ${first + schedules - 1}: ${[`${schedules} schedules`, ...counts].join(', ')}, no violation`,
  )
}

function added(sums: Counts, counts: Counts): Counts {
  return Object.fromEntries(Object.entries(counts).map(([name, count]) => [name, (sums[name] ?? 0) + count]))
}
