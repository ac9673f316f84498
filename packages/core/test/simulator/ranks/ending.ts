import type { Disk } from '../disk.ts'
import { damageLatest } from './damage.ts'
import type { Plan } from './plan.ts'
import { RankProcess, type SimulatedJob } from './rank-process.ts'

/** What the jobs at the end of a schedule run on. They meet no faults. */
export interface Ending {
  readonly disk: Disk
  readonly job: SimulatedJob
  readonly maxTurns: number
}

/** Milliseconds. The ranks of the last jobs are not late. */
const timeouts = { joinTimeout: 60_000, saveTimeout: 60_000 }

/**
 * A job without faults resumes and saves two steps. The processes of an earlier start with their member files are refused. The
 * next job goes back from the last step to the one before it.
 */
export async function endInOrder(given: Ending, earlier: readonly RankProcess[] = []): Promise<void> {
  const ending = { ...given, job: { ...given.job, timeouts } }
  const { disk, job } = ending
  const { random, oracle, size } = job
  const latest = oracle.truth?.checkpoints.length ?? 0
  const savesByCommands = random.chance(0.3)
  const savesAtOnce = !savesByCommands && random.chance(0.3)
  const resumed = await runJob(ending, 'e', 2, { savesByCommands, savesAtOnce })
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
  await refuseStale(given, earlier, from + 3)
  const maxTries = random.chance(0.5) ? 1 : undefined
  if (maxTries === undefined) damageLatest(disk, random, oracle)
  else await runJob(ending, 'f', 0, { maxTries })
  const back = await runJob(ending, 'g', 1, { maxTries })
  if (back instanceof Error) throw back
  if (back.length !== size || back.some((step) => step !== from + 1))
    throw new Error(
      `R2: ranks go back from step ${from + 2} to steps ${back.join(', ')}, and not to ${from + 1}`,
    )
}

/** All ranks of an earlier start save once more, each by its member file. None may succeed. */
async function refuseStale(ending: Ending, earlier: readonly RankProcess[], step: number): Promise<void> {
  if (earlier.length === 0) return
  const saved = await stepped(
    ending,
    earlier.map((process) => process.saveAfterwards(step, ending.job.open)),
  )
  if (saved instanceof Error) throw saved
  if (saved.includes(true))
    throw new Error(`R4: a process with the member file of an earlier start saved step ${step}`)
}

/** Runs a job. Returns the steps that its ranks restored, or why one of them failed. */
async function runJob(
  ending: Ending,
  name: string,
  saves: number,
  plan: Plan,
): Promise<readonly number[] | Error> {
  const { job } = ending
  const ranks = Array.from(
    { length: job.size },
    (_, rank) => new RankProcess(`${name}${rank}`, rank, job, plan),
  )
  return stepped(
    ending,
    ranks.map((process) => process.once(saves)),
  )
}

/** Lets processes run until all have ended or one has failed. */
async function stepped<Result>(
  { job: { scheduler, oracle }, maxTurns }: Ending,
  processes: readonly Promise<Result>[],
): Promise<readonly Result[] | Error> {
  const over = new AbortController()
  const ending = Promise.all(processes)
    .catch((error: unknown) => (error instanceof Error ? error : new Error(String(error))))
    .finally(() => {
      over.abort()
    })
  const stepping = (async () => {
    let turns = 0
    while (!over.signal.aborted && turns < maxTurns && (await scheduler.step())) {
      oracle.look()
      turns += 1
    }
    return new Error('P4: the last job did not come to its end')
  })()
  return Promise.race([ending, stepping])
}
