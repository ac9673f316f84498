import { createHash } from 'node:crypto'
import { type Faults, noFaults } from '../backend.ts'
import { Disk } from '../disk.ts'
import { Random } from '../random.ts'
import { Scheduler } from '../scheduler.ts'
import type { Schedule } from '../simulate.ts'
import { writesAheadIn } from '../writes-ahead.ts'
import { NodeProcess, type World } from './node.ts'
import { MirrorOracle, newestCatalog } from './oracle.ts'

export interface MirrorSchedule extends Schedule {
  /** The number of checkpoints that were reported as mirrored. */
  readonly reports: number
}

const maxTurns = 8000

/** The most processes of one schedule. */
const mostNodes = 5

/**
 * Runs one schedule: nodes one after the other with one mirror. A later node has a new disk, the disk of an earlier one, or a
 * clone of it. Earlier processes may still run. Calls to both stores fail, lose their responses, or kill the process. At the end,
 * a node with an empty disk must find in the mirror everything that was reported as mirrored. In some schedules a node starts only when
 * the one before has come to its end, so that runs end in order, and come back to a machine that has lost the mirror.
 */
export async function simulateMirror(seed: number): Promise<MirrorSchedule> {
  const random = new Random(seed)
  const writesAhead = writesAheadIn(seed)
  const scheduler = new Scheduler(random)
  const mirror = new Disk()
  const oracle = new MirrorOracle(mirror)
  const isInTurn = random.chance(0.3)
  const world: World = { mirror, scheduler, random, oracle, isInTurn, writesAhead }
  const faults = isInTurn ? noFaults : someFaults(random)
  const disks: Disk[] = []
  let failure: Error | undefined
  let started = 0
  const start = (): void => {
    started += 1
    const disk = nextDisk(disks, random, isInTurn)
    disks.push(disk)
    const node = new NodeProcess(`n${started}`, disk, faults, world)
    node.run(3 + random.below(6)).catch((error: unknown) => {
      failure ??= error instanceof Error ? error : new Error(String(error))
    })
  }
  let turns = 0
  try {
    start()
    while (failure === undefined && turns < maxTurns) {
      if (!isInTurn && random.chance(0.01) && started < mostNodes) {
        if (random.chance(0.7)) scheduler.kill(`n${started}`)
        start()
      }
      if (!(await scheduler.step())) {
        if (started >= mostNodes || (!isInTurn && random.chance(0.5))) break
        start()
      }
      turns += 1
      oracle.look()
    }
    for (let each = 1; each <= started; each += 1) scheduler.kill(`n${each}`)
    if (failure === undefined) await endOnNewDisk(world)
  } catch (error) {
    failure ??= error instanceof Error ? error : new Error(String(error))
  }
  const trace = createHash('sha256').update(scheduler.trace.join('\n')).digest('hex')
  return { turns, trace, violation: failure, writesAhead, reports: oracle.reports }
}

/** Nodes that follow one another come back often. */
const inTurn = ['new', 'earlier', 'earlier'] as const

/** The disk of the next node: a new one, that of the last node, that of an earlier node that returns, or a clone. */
function nextDisk(disks: readonly Disk[], random: Random, isInTurn: boolean): Disk {
  const last = disks.at(-1)
  const any = disks[random.below(Math.max(1, disks.length))]
  if (last === undefined || any === undefined) return new Disk()
  const kind = random.of(isInTurn ? inTurn : ['new', 'new', 'last', 'last', 'earlier', 'clone'])
  if (kind === 'last') return last
  if (kind === 'earlier') return any
  // A clone that was made before the store owned the mirror is not recognised: see docs/promises.md.
  const isRecognised = newestCatalog(any)?.mirror?.owner !== undefined
  return kind === 'clone' && isRecognised ? any.clone() : new Disk()
}

/** Some schedules have only some kinds of faults, so that each kind also occurs alone. */
function someFaults(random: Random): Faults {
  const often = (probability: number): number => (random.chance(0.5) ? probability : 0)
  return {
    errorBefore: often(0.02),
    lostAnswer: often(0.03),
    crashBefore: often(0.004),
    crashAfter: often(0.004),
    sleep: often(0.03),
    lie: 0,
  }
}

/** P14: after any schedule, a node with an empty disk continues from the latest checkpoint of the mirror, and mirrors again. */
async function endOnNewDisk(world: World): Promise<void> {
  const { oracle, scheduler, mirror } = world
  oracle.look()
  oracle.judge()
  const node = new NodeProcess('last', new Disk(), noFaults, world)
  const ending = endOf(node, mirror, oracle).then(
    () => 'in order' as const,
    (error: unknown) => (error instanceof Error ? error : new Error(String(error))),
  )
  const stepping = (async () => {
    for (let turns = 0; turns < maxTurns && (await scheduler.step()); turns += 1) oracle.look()
    return new Error('P14: the last process did not come to its end')
  })()
  const outcome = await Promise.race([ending, stepping])
  if (outcome !== 'in order') throw outcome
}

async function endOf(node: NodeProcess, mirror: Disk, oracle: MirrorOracle): Promise<void> {
  const restored = await node.restore()
  if (oracle.reports > 0 && restored === undefined)
    throw new Error('P14: checkpoints were reported as mirrored, and a new node found none')
  await node.save(1_000_000)
  const status = await node.store.mirror?.flush()
  if (status?.state !== 'idle' || status.waiting.length > 0)
    throw new Error(`P14: the last node could not mirror: ${status?.state} ${status?.error?.message ?? ''}`)
  const newest = newestCatalog(mirror)?.checkpoints.find(({ step }) => step === 1_000_000)
  if (newest === undefined) throw new Error('P14: the save of the last node is not in the mirror')
  await node.store.close()
}
