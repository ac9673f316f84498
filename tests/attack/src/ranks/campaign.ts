import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { openStore } from '@holdfast/core'
import { backendOptions } from '../backend-options.ts'
import { adapters, type Place } from '../places.ts'
import { Random } from '../random.ts'
import { RankProcess } from './job.ts'
import { JobOracle } from './oracle.ts'

export interface CampaignOptions {
  readonly seed: number
  readonly size: number
  /** The number of processes to kill at least. */
  readonly kills: number
  /** Milliseconds after which a kill comes at the latest once the job has resumed. Default: 3 s. */
  readonly longestTraining?: number
}

export interface CampaignReport {
  readonly seed: number
  readonly kills: number
  /** The number of times that a job has resumed. */
  readonly resumes: number
  /** The number of acknowledgements: each rank of a joint save has one. */
  readonly acknowledged: number
  /** The joint saves that the store lists or has dropped. */
  readonly saves: number
  readonly seconds: number
  readonly violations: readonly string[]
}

/** Milliseconds until a job must have resumed. */
const longestResume = 180_000

/** Milliseconds for which half of the jobs may take until their first save is acknowledged. */
const longestSave = 60_000

/** Milliseconds after which a kill that hits the ranks while they join comes at the latest. */
const longestJoin = 5000

const timeouts = { joinTimeout: 120_000, saveTimeout: 120_000 }

/**
 * Runs one job on a new store. A launcher starts all ranks, kills one, some or all of them at a random moment, and starts the
 * whole job again, as torchrun does. Sometimes processes of the start before are still running then.
 */
export async function campaign(
  place: Pick<Place, 'newStore' | 'env'>,
  { seed, size, kills, longestTraining = 3000 }: CampaignOptions,
): Promise<CampaignReport> {
  const began = performance.now()
  const random = new Random(seed)
  const oracle = new JobOracle()
  const url = place.newStore()
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-ranks-'))
  let killed = 0
  let older: readonly RankProcess[] = []
  try {
    for (let generation = 1; killed < kills && oracle.violations.length === 0; generation += 1) {
      const job = Array.from(
        { length: size },
        (_, rank) =>
          new RankProcess(
            { url, folder, rank, size, generation, ...timeouts },
            place.env,
            (from, message) => {
              oracle.hear(from.rank, from.generation, message)
            },
          ),
      )
      older = await endLater(older, random)
      // Sometimes the kill comes while the ranks join.
      if (random.below(4) === 0) await setTimeout(random.below(longestJoin))
      else {
        await resumed(job, oracle)
        if (random.below(2) === 0) await inTime(Promise.any(job.map((rank) => rank.saved)), longestSave)
        await setTimeout(random.below(longestTraining))
      }
      const victims = someOf(job, random)
      for (const victim of victims) if (victim.signal('SIGKILL')) killed += 1
      // The launcher notices after a while.
      await setTimeout(random.below(100))
      if (random.below(3) === 0) older = [...older, ...job]
      else await end(job)
    }
    await end(older)
    const saves = await listedAtLast(url, place.env, oracle)
    const seconds = Math.round((performance.now() - began) / 1000)
    const { resumes, acknowledged, violations } = oracle
    return { seed, kills: killed, resumes, acknowledged, saves, seconds, violations }
  } finally {
    await end(older)
    await rm(folder, { recursive: true, force: true })
  }
}

/** Waits until all ranks have resumed. A job that was started whole must resume, whatever was killed before. */
async function resumed(job: readonly RankProcess[], oracle: JobOracle): Promise<void> {
  const [first] = job
  const isInTime = await inTime(Promise.all(job.map((rank) => rank.resumed)), longestResume)
  if (!isInTime && first !== undefined)
    oracle.violations.push(`start ${first.generation} has not resumed within ${longestResume / 1000} s`)
  for (const { rank, generation, ended } of job)
    if (ended !== undefined) oracle.violations.push(`rank ${rank} of start ${generation} ended with ${ended}`)
}

/** Returns whether work ends within a time. */
async function inTime(work: Promise<unknown>, milliseconds: number): Promise<boolean> {
  const timer = new AbortController()
  const late = setTimeout(milliseconds, false, { signal: timer.signal }).catch(() => true)
  const outcome = await Promise.race([work.then(() => true), late])
  timer.abort()
  return outcome
}

function someOf(job: readonly RankProcess[], random: Random): readonly RankProcess[] {
  const count = random.of([1, 1 + random.below(job.length), job.length])
  const left = [...job]
  return Array.from({ length: count }, () => left.splice(random.below(left.length), 1)).flat()
}

/** Lets processes of an earlier start run on beside the new ones for a while. */
async function endLater(older: readonly RankProcess[], random: Random): Promise<readonly RankProcess[]> {
  if (older.length === 0) return []
  await setTimeout(random.below(1500))
  await end(older)
  return []
}

async function end(processes: readonly RankProcess[]): Promise<void> {
  for (const each of processes) each.signal('SIGKILL')
  await Promise.all(processes.map((each) => each.exited))
}

/** Verifies everything that is left. Returns the highest step, which counts the joint saves. */
async function listedAtLast(
  url: string,
  env: Readonly<Record<string, string>>,
  oracle: JobOracle,
): Promise<number> {
  Object.assign(process.env, env)
  await using store = await openStore(url, {
    adapters,
    backend: backendOptions(url),
    config: false,
    mode: 'shared',
  })
  const report = await store.verify()
  if (!report.good) oracle.violations.push(`the store does not verify: ${JSON.stringify(report)}`)
  return (await store.latest())?.step ?? 0
}
