import { Random } from '../../simulator/random.ts'
import type { Job } from './explore.ts'
import { Processes } from './processes.ts'
import type { Protocol } from './protocol.ts'
import type { Process, State } from './world.ts'

/** Steps after which a run counts as endless. */
const mostSteps = 3000

const ended: ReadonlySet<Process['at']> = new Set(['never born', 'fenced', 'refused', 'done'])

/** Restarts of the ranks that have finished, while others still wait for them. */
const mostRestarts = 3

/**
 * Lets the newest process of each rank run on, each in turn and without further faults. A launcher starts the ranks that have
 * no process, and those that finished while others wait. Returns how the job is stuck; `undefined` if all ranks finish.
 */
export function stuckFrom(job: Job, protocol: Protocol, state: State, seed: number): string | undefined {
  const random = new Random(seed)
  let ranks = [...job.cast.ranks]
  let current: State = {
    ...state,
    budget: {
      floorRaises: 0,
      drops: 0,
      partialSweeps: 0,
      corruptions: 0,
      lostAnswers: 0,
      repeatedCalls: 0,
      releases: 0,
    },
    // A process that was not started is not started any more.
    processes: state.processes.map((process) => (process.at === 'unborn' ? { at: 'never born' } : process)),
  }
  const started = new Map<number, number>()
  for (const [index, process] of state.processes.entries())
    if (process.at !== 'unborn') started.set(ranks[index] ?? 0, index)
  const start = (rank: number): void => {
    ranks = [...ranks, rank]
    current = { ...current, processes: [...current.processes, { at: 'join', wasMember: false }] }
    started.set(rank, ranks.length - 1)
  }
  const isNewest = (index: number): boolean => [...started.values()].includes(index)
  const at = (rank: number): Process['at'] => current.processes[started.get(rank) ?? -1]?.at ?? 'unborn'
  const all = Array.from({ length: job.cast.size }, (_, rank) => rank)
  for (const rank of all) if (['unborn', 'done', 'refused'].includes(at(rank))) start(rank)
  // Half of the time, the older processes have not ended either.
  const isZombie = (_: number, index: number): boolean => !isNewest(index)
  const older = random.chance(0.5) ? job.cast.ranks.map((_, index) => index).filter(isZombie) : []
  for (let restarts = 0; restarts <= mostRestarts; restarts += 1) {
    const processes = new Processes({ ...job.cast, ranks }, protocol, job.catalogs)
    const outcome = run(current, [...started.values(), ...older], processes, random)
    if (outcome.kind === 'endless') return 'the job never ends'
    current = outcome.state
    const stuck = older.find((index) => !ended.has(current.processes[index]?.at ?? 'done'))
    if (stuck !== undefined) return `process ${stuck} waits for ever, although its rank has started again`
    const waiting = all.filter((rank) => at(rank) !== 'done')
    if (waiting.length === 0) return undefined
    const isFenced = waiting.some((rank) => at(rank) === 'fenced')
    if (isFenced || waiting.length === all.length)
      return `the newest processes end as ${all.map(at).join(' and ')}`
    for (const rank of all) if (at(rank) === 'done') start(rank)
  }
  return `the newest processes end as ${all.map(at).join(' and ')}`
}

type Outcome = { readonly kind: 'settled'; readonly state: State } | { readonly kind: 'endless' }

function run(from: State, indices: readonly number[], processes: Processes, random: Random): Outcome {
  let state = from
  for (let taken = 0; taken < mostSteps; ) {
    let isMoving = false
    for (const index of indices) {
      const steps = processes.stepsOf(state, index)
      const step = steps[random.below(Math.max(1, steps.length))]
      if (step === undefined) continue
      state = step.next
      isMoving = true
      taken += 1
    }
    if (!isMoving) return { kind: 'settled', state }
  }
  return { kind: 'endless' }
}
