import { createHash } from 'node:crypto'
import { type Faults, noFaults, SimulatedBackend } from '../backend.ts'
import { Disk } from '../disk.ts'
import { Random } from '../random.ts'
import { Scheduler } from '../scheduler.ts'
import type { Schedule } from '../simulate.ts'
import { writesAheadIn } from '../writes-ahead.ts'
import { damageLatest, flipOne } from './damage.ts'
import { endInOrder } from './ending.ts'
import { JobOracle } from './oracle.ts'
import { type Plan, someWithoutFiles, somePlan } from './plan.ts'
import { RankProcess, type SimulatedJob } from './rank-process.ts'
import type { Variant } from './variants.ts'

const maxTurns = 6000

/** The most processes of one schedule. */
const mostProcesses = 24

/** Milliseconds. A rank that waits for a dead one looks a few times, and not longer than that. */
const timeouts = { joinTimeout: 20_000, saveTimeout: 20_000 }

/** The share of calls that are answered in the turn of their effect. */
const promptAnswers = 0.7

/**
 * Runs one schedule of a job. The seed decides the number of ranks, which of them have files, the order of their calls, the
 * faults and deaths, and when a launcher starts one rank or all ranks again, while older processes may still run. At the end,
 * a job without faults must resume from the latest checkpoint and save others, the next job must go back from one that is
 * corrupt or breaks the run, and processes with the member files of an earlier start must be refused.
 */
export async function simulateJob(seed: number, variant?: Variant): Promise<Schedule> {
  const random = new Random(seed)
  const writesAhead = writesAheadIn(seed)
  const scheduler = new Scheduler(random)
  const disk = new Disk()
  const size = 2 + random.below(4)
  const withoutFiles = someWithoutFiles(random, size)
  const oracle = new JobOracle(disk, size, withoutFiles)
  const faults = someFaults(random)
  const openWith = (met: Faults) => (process: string) => {
    const meddling = variant?.({ disk, process, withoutFiles }) ?? {}
    return new SimulatedBackend(process, disk, scheduler, random, met, { meddling, writesAhead })
  }
  const open = openWith(faults)
  const job: SimulatedJob = { size, withoutFiles, scheduler, random, oracle, timeouts, open }
  /** The starts of all ranks that save by commands. */
  const byCommands: RankProcess[][] = []
  let failure: Error | undefined
  let started = 0
  const fail = (error: unknown): void => {
    failure ??= error instanceof Error ? error : new Error(String(error))
  }
  const start = (rank: number, plan: Plan = {}): RankProcess => {
    started += 1
    const process = new RankProcess(`${started}`, rank, job, plan)
    process.run(1 + random.below(3), 1 + random.below(3)).catch(fail)
    return process
  }
  const startAll = (): void => {
    const plan = somePlan(oracle, random)
    const processes = Array.from({ length: size }, (_, rank) => start(rank, plan))
    if (plan.savesByCommands === true) byCommands.push(processes)
  }
  let turns = 0
  try {
    startAll()
    for (; failure === undefined && turns < maxTurns; turns += 1) {
      if (started + size <= mostProcesses && random.chance(faults.restart)) startAll()
      if (started < mostProcesses && random.chance(faults.restart)) start(random.below(size))
      if (random.chance(faults.flip)) flipOne(disk, random, 'data/')
      if (random.chance(faults.flip)) damageLatest(disk, random, oracle)
      if (!(await scheduler.step())) {
        if (started + size > mostProcesses || random.chance(0.3)) break
        startAll()
      }
      oracle.look()
    }
    for (let each = 1; each <= started; each += 1) scheduler.kill(`${each}`)
    const ending = { disk, job: { ...job, open: openWith({ ...noFaults, promptAnswers }) }, maxTurns }
    if (failure === undefined) await endInOrder(ending, byCommands.at(-1))
  } catch (error) {
    fail(error)
  }
  const trace = createHash('sha256').update(scheduler.trace.join('\n')).digest('hex')
  return { turns, trace, violation: failure, writesAhead }
}

interface JobFaults extends Faults {
  /** How often a byte of any file is flipped at rest, and how often one of the latest checkpoint, per turn. */
  readonly flip: number
  /** How often a launcher starts one rank or all ranks again, per turn. */
  readonly restart: number
}

/** Faults are rare enough that most jobs save several steps. */
function someFaults(random: Random): JobFaults {
  const often = (probability: number): number => (random.chance(0.5) ? probability : 0)
  return {
    errorBefore: often(0.003),
    lostAnswer: often(0.005),
    crashBefore: often(0.0005),
    crashAfter: often(0.0005),
    sleep: often(0.002),
    lie: often(0.01),
    flip: random.chance(0.4) ? 0.0005 : 0,
    restart: often(0.001),
    promptAnswers,
  }
}
