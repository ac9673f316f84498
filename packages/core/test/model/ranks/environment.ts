import {
  attemptPrefix,
  type AttemptId,
  termPrefix,
  agreementsPrefix,
} from '../../../src/catalog/documents/index.ts'
import { latestOf } from '../../../src/order-key.ts'
import { type Catalogs, termOfAttempt } from './catalogs.ts'
import { isListedIn } from './processes.ts'
import type { Protocol } from './protocol.ts'
import {
  absentTerm,
  type Cast,
  dataOf,
  isAbsent,
  spend,
  type State,
  type Step,
  type Term,
  withData,
  withTerm,
} from './world.ts'

/**
 * Everything that may happen beside the ranks: floors that are raised, retention, an owner that goes, and sweepers. A sweeper
 * may stop anywhere and sleep. What may be swept only grows, so "anyone deletes what is dead now" covers every sleeper.
 */
export function environmentSteps(
  state: State,
  { size }: Cast,
  protocol: Protocol,
  catalogs: Catalogs,
): readonly Step[] {
  return [
    ...commits(state, catalogs),
    ...sweptTerms(state, size, protocol),
    ...sweptSaves(state, size),
    ...sweptAttempts(state, size, protocol),
  ]
}

function commits(state: State, catalogs: Catalogs): readonly Step[] {
  const { catalog, budget } = state
  const steps: Step[] = []
  const commit = (
    name: string,
    what: 'floorRaises' | 'drops' | 'releases',
    change: Parameters<Catalogs['commit']>[2],
  ): void => {
    const next = catalogs.commit(catalog, undefined, change)
    if (typeof next !== 'string') steps.push({ name, next: spend({ ...state, catalog: next }, what) })
  }
  if (catalog.owner === null) return steps
  if (budget.floorRaises > 0) {
    for (let floor = catalog.floor + 1; floor <= catalog.version + 1; floor += 1)
      commit(`the floor is raised to ${floor}`, 'floorRaises', { kind: 'raise floor', floor })
  }
  const latest = latestOf(catalog.checkpoints.all)
  const hasGone = state.ghost.went.length > 0
  if (budget.drops > 0 && hasGone) {
    for (const { step } of catalog.checkpoints.all) {
      if (step === latest?.step) continue
      commit(`step ${step} is dropped`, 'drops', { kind: 'delete', steps: [step], because: 'pruned' })
    }
  }
  if (budget.releases > 0) commit('the ownership is given back', 'releases', { kind: 'release' })
  return steps
}

function sweptTerms(state: State, size: number, protocol: Protocol): readonly Step[] {
  const steps: Step[] = []
  for (const [at, documents] of state.terms.entries()) {
    const term = at + 1
    if (isAbsent(documents)) continue
    const isDead = (name: string): boolean =>
      protocol.isDead(state.catalog, `${agreementsPrefix}${termPrefix(term)}${name}.json`)
    if (!isDead('open')) continue
    steps.push({
      name: `all agreements of term ${term} are swept`,
      next: withoutParts(
        withTerm(state, term, size, absentTerm(size)),
        size,
        (attempt) => termOfAttempt(attempt) === term,
      ),
    })
    if (state.budget.partialSweeps === 0) continue
    for (const [name, change] of partsOfTerm(documents))
      steps.push({
        name: `${name} of term ${term} is swept`,
        next: spend(withTerm(state, term, size, change), 'partialSweeps'),
      })
  }
  return steps
}

/** The agreements on a listed save go once its term has listed a later one. */
function sweptSaves(state: State, size: number): readonly Step[] {
  const { all } = state.catalog.checkpoints
  const isFollowed = ({ attempt, step }: (typeof all)[number]): boolean =>
    all.some((later) => later.step > step && termOfAttempt(later.attempt) === termOfAttempt(attempt))
  return all.filter(isFollowed).flatMap(({ attempt, step }) => {
    const term = termOfAttempt(attempt)
    const { saves } = state.terms[term - 1] ?? absentTerm(size)
    const others = Object.entries(saves).filter(([name]) => !name.startsWith(`${step}.`))
    const hasParts = dataOf(state, attempt, size).parts.some((part) => part !== null)
    if (term === 0 || (others.length === Object.keys(saves).length && !hasParts)) return []
    const swept = withTerm(state, term, size, { saves: Object.fromEntries(others) })
    const next = withoutParts(swept, size, (each) => each === attempt)
    return [{ name: `the agreements on ${attempt} are swept`, next }]
  })
}

/** The parts of some attempts are swept. */
function withoutParts(state: State, size: number, areSwept: (attempt: AttemptId) => boolean): State {
  const attempts = (Object.keys(state.data) as AttemptId[]).filter(areSwept)
  return attempts.reduce(
    (next, attempt) =>
      withData(next, attempt, { ...dataOf(next, attempt, size), parts: Array<null>(size).fill(null) }),
    state,
  )
}

/** Each agreement of a term, with the term without it. */
function partsOfTerm(term: Term): readonly (readonly [string, Partial<Term>])[] {
  const { isOpen, members, here, resumes, rewind, verdicts, saves } = term
  return [
    ...(isOpen ? [['open', { isOpen: false }] as const] : []),
    ...members.flatMap((member, rank) =>
      member === null ? [] : [[`member ${rank}`, { members: members.with(rank, null) }] as const],
    ),
    ...here.flatMap((isHere, rank) =>
      isHere ? [[`here ${rank}`, { here: here.with(rank, false) }] as const] : [],
    ),
    ...resumes.flatMap((resume, round) =>
      resume === null ? [] : [[`resume ${round}`, { resumes: resumes.with(round, null) }] as const],
    ),
    ...(rewind === undefined ? [] : [['rewind', { rewind: undefined }] as const]),
    ...verdicts.map(
      (verdict, at) => [`verdict ${at}`, { verdicts: verdicts.filter((each) => each !== verdict) }] as const,
    ),
    ...Object.keys(saves).map((name) => {
      const { [name]: _, ...others } = saves
      return [`save ${name}`, { saves: others }] as const
    }),
  ]
}

function sweptAttempts(state: State, size: number, protocol: Protocol): readonly Step[] {
  const steps: Step[] = []
  for (const attempt of Object.keys(state.data) as AttemptId[]) {
    if (isListedIn(state.catalog, attempt)) continue
    if (!protocol.isDead(state.catalog, `${attemptPrefix(attempt)}model`)) continue
    steps.push({ name: `the data of ${attempt} is swept`, next: withData(state, attempt, undefined) })
    if (state.budget.partialSweeps === 0) continue
    const data = dataOf(state, attempt, size)
    const sweep = (name: string, change: Partial<typeof data>): void => {
      const next = withData(state, attempt, { ...data, ...change })
      steps.push({ name: `${name} of ${attempt} is swept`, next: spend(next, 'partialSweeps') })
    }
    for (const [rank, part] of data.parts.entries()) {
      if ((data.bytes[rank] ?? []).length > 0)
        sweep(`the bytes of rank ${rank}`, { bytes: data.bytes.with(rank, []) })
      if (part !== null) sweep(`the part of rank ${rank}`, { parts: data.parts.with(rank, null) })
    }
    if (data.manifest !== null) sweep('the manifest', { manifest: null })
  }
  return steps
}
