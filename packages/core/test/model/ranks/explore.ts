import type { AttemptId } from '../../../src/catalog/documents/index.ts'
import { Catalogs } from './catalogs.ts'
import { bytesOf, isListedIn, Processes } from './processes.ts'
import type { Protocol } from './protocol.ts'
import type { Scenario } from './scenarios.ts'
import { environmentSteps } from './environment.ts'
import { absentTerm, type Cast, dataOf, newestTerm, type State, type Step } from './world.ts'

export interface Exploration {
  readonly states: number
  /** Whether every state that can be reached was visited. */
  readonly isComplete: boolean
  /** The shortest history that breaks a promise. */
  readonly counterexample: Counterexample | undefined
}

export interface Counterexample {
  readonly what: string
  readonly history: readonly string[]
}

interface Visit {
  readonly state: State
  readonly before: Visit | undefined
  readonly name: string
}

/** The processes of one scenario under one protocol. */
export class Job {
  readonly cast: Cast
  readonly catalogs: Catalogs
  readonly initial: State
  readonly #protocol: Protocol
  readonly #processes: Processes

  constructor({ cast, begin }: Scenario, protocol: Protocol) {
    this.cast = cast
    this.catalogs = new Catalogs(protocol)
    this.#protocol = protocol
    this.#processes = new Processes(cast, protocol, this.catalogs)
    this.initial = begin(this.catalogs, cast)
  }

  stepsOf(state: State, index: number): readonly Step[] {
    return this.#processes.stepsOf(state, index)
  }

  allSteps(state: State): readonly Step[] {
    const own = this.cast.ranks.flatMap((_, index) => this.stepsOf(state, index))
    return [...own, ...environmentSteps(state, this.cast, this.#protocol, this.catalogs)]
  }

  textOf(state: State): string {
    const { catalog, ...others } = forgetful(state)
    return `${this.catalogs.numberOf(catalog)} ${JSON.stringify(others)}`
  }
}

/**
 * Visits every state that the processes and their environment can bring about, nearest first, until one breaks a promise,
 * none is left, or `limit` are known. `examine` looks at each state more closely.
 */
export function explore(
  scenario: Scenario,
  protocol: Protocol,
  limit = Infinity,
  examine: (job: Job, state: State) => string | undefined = () => undefined,
): Exploration {
  const job = new Job(scenario, protocol)
  const seen = new Set([job.textOf(job.initial)])
  let frontier: Visit[] = [{ state: job.initial, before: undefined, name: '' }]
  const broken = (what: string, visit: Visit): Exploration => ({
    states: seen.size,
    isComplete: false,
    counterexample: { what, history: historyOf(visit) },
  })
  while (frontier.length > 0) {
    const beyond: Visit[] = []
    for (const visit of frontier) {
      const stuck = examine(job, visit.state)
      if (stuck !== undefined) return broken(stuck, visit)
      for (const { name, next, breaks } of job.allSteps(visit.state)) {
        const after = { state: next, before: visit, name }
        const what = breaks ?? violation(visit.state, next, job.cast)
        if (what !== undefined) return broken(what, after)
        const text = job.textOf(next)
        if (seen.has(text)) continue
        seen.add(text)
        beyond.push(after)
      }
      if (seen.size >= limit) return { states: seen.size, isComplete: false, counterexample: undefined }
    }
    frontier = beyond
  }
  return { states: seen.size, isComplete: true, counterexample: undefined }
}

function historyOf(visit: Visit): readonly string[] {
  const history: string[] = []
  for (let at = visit; at.before !== undefined; at = at.before) history.unshift(at.name)
  return history
}

/** No job of the scenarios needs as many terms. */
const mostTerms = 5

/** A promise that a step to `after` breaks; `undefined` if all hold. */
function violation(before: State, after: State, { size }: Cast): string | undefined {
  const { catalog, data, ghost } = after
  if (after.terms.length > mostTerms) return 'processes open terms in turns, without end'
  if (catalog === before.catalog && data === before.data && ghost === before.ghost) return undefined
  for (const { attempt } of catalog.checkpoints.all) {
    const { manifest, bytes } = dataOf(after, attempt, size)
    if (manifest === null) return `R1: ${attempt} is listed without its manifest`
    for (const [rank, part] of manifest.entries()) {
      if (part === null) return `R1: ${attempt} is listed without the part of rank ${rank}`
      if (bytes[rank]?.includes(bytesOf(part)) !== true)
        return `R1: ${attempt} is listed, and the bytes of rank ${rank} are not those of its part`
    }
  }
  const gone = goneFrom(after)
  const isKnown = (attempt: AttemptId): boolean =>
    isListedIn(catalog, attempt) ||
    gone.has(attempt) ||
    catalog.abandoned?.some((entry) => entry.attempt === attempt) === true ||
    catalog.quarantined.some(({ entry }) => entry.attempt === attempt)
  const lost = ghost.acknowledged.find((attempt) => !isKnown(attempt))
  if (lost !== undefined) return `R3: ${lost} was acknowledged, and is neither listed nor dropped`
  const revived = [...gone].find((attempt) => isListedIn(catalog, attempt))
  if (revived !== undefined) return `R3: ${revived} is listed again after it was dropped`
  if (catalog.floor < before.catalog.floor) return 'the floor decreases'
  if ((catalog.term ?? 0) < (before.catalog.term ?? 0)) return 'the term decreases'
  return undefined
}

function goneFrom({ catalog }: State): ReadonlySet<AttemptId> {
  return new Set(catalog.history.flatMap(({ dropped }) => dropped.map(({ attempt }) => attempt)))
}

/** The same state without what nobody can look at any more. */
function forgetful(state: State): State {
  const terms = state.processes.flatMap((process) => ('term' in process ? [process.term] : []))
  const oldest = Math.min(Infinity, ...terms)
  const newest = newestTerm(state)
  return {
    ...state,
    terms: state.terms.map((term, at) =>
      at + 1 < oldest && at + 1 < newest ? absentTerm(term.members.length) : term,
    ),
  }
}
