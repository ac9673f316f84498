import { createHash } from 'node:crypto'
import { type Faults, type Meddling, noFaults, SimulatedBackend } from './backend.ts'
import { Disk } from './disk.ts'
import { Oracle } from './oracle.ts'
import { Process } from './process.ts'
import { Random } from './random.ts'
import { Scheduler } from './scheduler.ts'
import type { Variant } from './variants.ts'
import { writesAheadIn } from './writes-ahead.ts'

export interface Schedule {
  /** The number of turns. */
  readonly turns: number
  /** A digest of all turns. It is equal for equal seeds. */
  readonly trace: string
  /** The violation; `undefined` if every promise held. */
  readonly violation: Error | undefined
  /** Whether the disk writes ahead. */
  readonly writesAhead: boolean
}

const maxTurns = 3000

/** The most processes of one schedule. */
const mostProcesses = 8

/** The share of the processes that store small files in manifests. */
const inManifests = 0.3
const gracePeriod = 5000

/** How often the machine loses power while an object is not durable, per turn. */
const powerLosses = [0, 0.01, 0.05] as const

/**
 * Runs one schedule. The seed decides the processes on one disk, the order of their calls, the faults, deaths and
 * successors. If the disk writes ahead, saves are aborted, and the machine loses power, too. At the end, a process without faults must
 * find a correct store.
 */
export async function simulate(seed: number, variant?: Variant): Promise<Schedule> {
  const random = new Random(seed)
  const writesAhead = writesAheadIn(seed)
  const scheduler = new Scheduler(random)
  const disk = new Disk()
  const oracle = new Oracle(disk)
  const faults = someFaults(random)
  const powerLoss = writesAhead ? random.of(powerLosses) : 0
  const living = new Set<Promise<void>>()
  let failure: Error | undefined
  let started = 0
  const start = (): void => {
    started += 1
    const name = `p${started}`
    const meddling: Meddling = variant?.(disk, oracle, name) ?? {}
    const requestPerObject = random.chance(inManifests)
    const options = { meddling, requestPerObject, writesAhead }
    const backend = new SimulatedBackend(name, disk, scheduler, random, faults, options)
    const mode = random.chance(0.5) ? 'exclusive' : 'shared'
    const process = new Process(name, mode, backend, scheduler, random, oracle, gracePeriod)
    const running = process.run(3 + random.below(5)).catch((error: unknown) => {
      failure ??= error instanceof Error ? error : new Error(String(error))
    })
    living.add(running)
    void running.then(() => living.delete(running))
  }
  const killAll = (): void => {
    for (let each = 1; each <= started; each += 1) scheduler.kill(`p${each}`)
  }
  let turns = 0
  try {
    for (let each = 0; each <= random.below(3); each += 1) start()
    while (failure === undefined && turns < maxTurns) {
      if (random.chance(0.01) && started < mostProcesses) start()
      if (powerLoss > 0 && disk.hasUnsynced && random.chance(powerLoss)) {
        killAll()
        disk.losePower(() => random.chance(0.5))
        if (started < mostProcesses) start()
      }
      if (random.chance(faults.flip)) damage(disk, random, 'data/')
      if (random.chance(faults.flipCatalog)) damage(disk, random, random.of(['catalog/', 'pages/']))
      if (!(await scheduler.step())) break
      turns += 1
      oracle.look()
    }
    // A remaining process could still take the store over, and would rightly fence the last process.
    killAll()
    if (failure === undefined) await endInOrder({ disk, scheduler, random, oracle, writesAhead })
  } catch (error) {
    failure ??= error instanceof Error ? error : new Error(String(error))
  }
  const trace = createHash('sha256').update(scheduler.trace.join('\n')).digest('hex')
  return { turns, trace, violation: failure, writesAhead }
}

interface AllFaults extends Faults {
  /** The number of bytes flipped at rest, per turn. */
  readonly flip: number
  /**
   * The number of bytes flipped in the catalog. One schedule flips bytes in data or in the catalog, not in both,
   * because damage to both can lose a checkpoint.
   */
  readonly flipCatalog: number
}

/** Some schedules have only some kinds of faults, so that each kind also occurs alone. */
function someFaults(random: Random): AllFaults {
  const flips = random.of(['none', 'none', 'none', 'data', 'catalog'])
  const often = (probability: number): number => (random.chance(0.5) ? probability : 0)
  return {
    errorBefore: often(0.02),
    lostAnswer: often(0.04),
    crashBefore: often(0.01),
    crashAfter: often(0.01),
    sleep: often(0.05),
    lie: often(0.05),
    flip: flips === 'data' ? 0.01 : 0,
    flipCatalog: flips === 'catalog' ? 0.01 : 0,
  }
}

function damage(disk: Disk, random: Random, prefix: string): void {
  const keys = disk.keys(prefix)
  const key = keys[random.below(Math.max(1, keys.length))]
  if (key !== undefined) disk.flip(key, random.below(100_000))
}

interface Ending {
  readonly disk: Disk
  readonly scheduler: Scheduler
  readonly random: Random
  readonly oracle: Oracle
  readonly writesAhead: boolean
}

/**
 * P4 and P9: after any schedule, the next process finds a working store, and after two sweeps a third finds nothing.
 */
async function endInOrder({ disk, scheduler, random, oracle, writesAhead }: Ending): Promise<void> {
  const backend = new SimulatedBackend('last', disk, scheduler, random, noFaults, { writesAhead })
  const process = new Process('last', 'exclusive', backend, scheduler, random, oracle, gracePeriod)
  const isCatalogDamaged = disk.damaged.some((key) => !key.startsWith('data/'))
  const ending = endOf(backend, process, isCatalogDamaged).then(
    () => 'in order' as const,
    (error: unknown) => (error instanceof Error ? error : new Error(String(error))),
  )
  const stepping = (async () => {
    for (let turns = 0; turns < maxTurns && (await scheduler.step()); turns += 1) oracle.look()
    return new Error('P4: the last process did not come to its end')
  })()
  const outcome = await Promise.race([ending, stepping])
  if (outcome !== 'in order') throw outcome
  oracle.judge()
}

async function endOf(backend: SimulatedBackend, process: Process, isCatalogDamaged: boolean): Promise<void> {
  const { store } = process
  if (isCatalogDamaged) await store.repair()
  await process.saveOnce(1_000_000)
  await store.sweep()
  await store.sweep()
  const third = await store.sweep()
  if (third.objects !== 0) throw new Error(`P9: a third sweep found ${third.objects} more`)
  for (const { step, problems } of (await store.verify()).checkpoints) process.mayHave(step, problems)
  await store.close()
  await backend.close()
}
