import { createHash } from 'node:crypto'
import { attemptPrefix } from '../../../src/catalog/documents/index.ts'
import { latestOf } from '../../../src/order-key.ts'
import { type Faults, noFaults, SimulatedBackend } from '../backend.ts'
import { Disk } from '../disk.ts'
import { Random } from '../random.ts'
import { Scheduler } from '../scheduler.ts'
import type { Schedule } from '../simulate.ts'
import { JobOracle } from './oracle.ts'
import { type Plan, RankProcess } from './rank-process.ts'

const maxTurns = 6000

/** The most processes of one schedule. */
const mostProcesses = 24

/**
 * Runs one schedule of a job. The seed decides the number of ranks, the order of their calls, the faults and deaths, and when
 * a launcher starts one rank or all ranks again, while older processes may still run. At the end, a job without faults must
 * resume from the latest checkpoint and save others, and the next job must go back from one that is corrupt or breaks the run.
 */
export async function simulateJob(seed: number): Promise<Schedule> {
  const random = new Random(seed)
  const scheduler = new Scheduler(random)
  const disk = new Disk()
  const size = 2 + random.below(4)
  const oracle = new JobOracle(disk, size)
  const faults = someFaults(random)
  let failure: Error | undefined
  let started = 0
  const fail = (error: unknown): void => {
    failure ??= error instanceof Error ? error : new Error(String(error))
  }
  const start = (rank: number, plan: Plan = {}): void => {
    started += 1
    const name = `${started}`
    const backend = new SimulatedBackend(name, disk, scheduler, random, faults)
    const process = new RankProcess(name, { rank, size }, backend, scheduler, random, oracle, plan)
    process.run(1 + random.below(3), 1 + random.below(3)).catch(fail)
  }
  const startAll = (): void => {
    const plan = somePlan(oracle, random)
    for (let rank = 0; rank < size; rank += 1) start(rank, plan)
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
    if (failure === undefined) await endInOrder({ disk, scheduler, random, oracle, size })
  } catch (error) {
    fail(error)
  }
  const trace = createHash('sha256').update(scheduler.trace.join('\n')).digest('hex')
  return { turns, trace, violation: failure }
}

interface JobFaults extends Faults {
  /** How often a byte of any file is flipped at rest, and how often one of the latest checkpoint, per turn. */
  readonly flip: number
  /** How often a launcher starts one rank or all ranks again, per turn. */
  readonly restart: number
}

/** All ranks of a start go back, count their restores or drop older checkpoints, or none. A rank that starts alone does none of this. */
function somePlan({ truth }: JobOracle, random: Random): Plan {
  const steps = truth?.checkpoints.map(({ step }) => step) ?? []
  return {
    rewindTo: random.chance(0.2) ? steps[random.below(Math.max(1, steps.length))] : undefined,
    maxTries: random.chance(0.3) ? 1 + random.below(3) : undefined,
    prune: random.chance(0.2) ? 0.3 : undefined,
    keepLast: random.chance(0.3) ? 1 + random.below(3) : undefined,
  }
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
  }
}

/** Flips a byte of a file below a prefix, or of none if there is no file. */
function flipOne(disk: Disk, random: Random, prefix: string): void {
  const keys = disk.keys(prefix).filter((key) => !key.endsWith('/manifest.json'))
  const key = keys[random.below(Math.max(1, keys.length))]
  if (key !== undefined) disk.flip(key, random.below(100_000))
}

/** What the jobs at the end of a schedule run on. */
interface Ending {
  readonly disk: Disk
  readonly scheduler: Scheduler
  readonly random: Random
  readonly oracle: JobOracle
  readonly size: number
}

/** A job without faults resumes and saves two steps. The next job goes back from the last one to the one before it. */
async function endInOrder(ending: Ending): Promise<void> {
  const { disk, random, oracle, size } = ending
  const latest = oracle.truth?.checkpoints.length ?? 0
  const resumed = await lastJob(ending, 'e', 2)
  if (resumed instanceof Error) {
    const isAllCorrupt = disk.damaged.length > 0 && resumed.message.startsWith('No good checkpoint is left')
    if (isAllCorrupt) return
    throw resumed
  }
  if (new Set(resumed).size !== 1)
    throw new Error(`R2: the last job resumed from steps ${resumed.join(', ')}`)
  const [from = 0] = resumed
  if (latest > 0 && disk.damaged.length === 0 && from === 0)
    throw new Error('P4: the last job began anew, and the store has checkpoints')
  const maxTries = random.chance(0.5) ? 1 : undefined
  if (maxTries === undefined) damageLatest(disk, random, oracle)
  else await lastJob(ending, 'f', 0, { maxTries })
  const back = await lastJob(ending, 'g', 1, { maxTries })
  if (back instanceof Error) throw back
  if (back.length !== size || back.some((step) => step !== from + 1))
    throw new Error(
      `R2: ranks go back from step ${from + 2} to steps ${back.join(', ')}, and not to ${from + 1}`,
    )
}

/** Runs a job whose processes meet no faults. Returns the steps that its ranks restored, or why one of them failed. */
async function lastJob(
  { disk, scheduler, random, oracle, size }: Ending,
  name: string,
  saves: number,
  plan: Plan = {},
): Promise<readonly number[] | Error> {
  const ending = Promise.all(
    Array.from({ length: size }, async (_, rank) => {
      const process = `${name}${rank}`
      const backend = new SimulatedBackend(process, disk, scheduler, random, noFaults)
      return new RankProcess(process, { rank, size }, backend, scheduler, random, oracle, plan).once(saves)
    }),
  ).then(
    (steps) => steps,
    (error: unknown) => (error instanceof Error ? error : new Error(String(error))),
  )
  const stepping = (async () => {
    for (let turns = 0; turns < maxTurns && (await scheduler.step()); turns += 1) oracle.look()
    return new Error('P4: the last job did not come to its end')
  })()
  return Promise.race([ending, stepping])
}

function damageLatest(disk: Disk, random: Random, { truth }: JobOracle): void {
  const latest = latestOf(truth?.checkpoints ?? [])
  if (latest !== undefined) flipOne(disk, random, attemptPrefix(latest.attempt))
}
