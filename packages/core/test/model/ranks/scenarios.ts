import { type Catalogs } from './catalogs.ts'
import { absentTerm, type Budget, type Cast, type Part, type State } from './world.ts'

export interface Scenario {
  readonly name: string
  readonly cast: Cast
  readonly begin: (catalogs: Catalogs, cast: Cast) => State
}

const nothing: Budget = {
  floorRaises: 0,
  drops: 0,
  partialSweeps: 0,
  corruptions: 0,
  lostAnswers: 0,
  repeatedCalls: 0,
  releases: 0,
}

interface Setting extends Partial<Budget> {
  /** Checkpoints of earlier runs. */
  readonly saved?: number
  /** Steps that each process saves. */
  readonly saves?: number
  /** Whether it begins when two terms have passed their barriers and none has taken over. */
  readonly isLate?: boolean
  readonly goBack?: readonly number[]
  readonly maxTries?: number
}

function scenario(
  name: string,
  ranks: readonly number[],
  { saved = 0, saves = 1, isLate = false, goBack, maxTries, ...budget }: Setting = {},
): Scenario {
  return {
    name,
    cast: { size: 2, ranks, saves, goBack, maxTries },
    begin: (catalogs, cast) => {
      const catalog = catalogs.begin(saved)
      const old: Part = { process: -1, term: 0, resumed: 'none', bytes: 0 }
      const data = catalog.checkpoints.all.map(
        ({ attempt }) =>
          [
            attempt,
            {
              bytes: ranks.slice(0, cast.size).map(() => ['-1.0']),
              parts: Array<Part>(cast.size).fill(old),
              manifest: Array<Part>(cast.size).fill(old),
            },
          ] as const,
      )
      const state: State = {
        catalog,
        terms: [],
        data: Object.fromEntries(data),
        processes: ranks.map(() => ({ at: 'unborn' })),
        ghost: { went: [], acknowledged: [] },
        budget: { ...nothing, ...budget },
      }
      return isLate ? late(state, cast) : state
    },
  }
}

/** Two processes of each rank, in terms of their own, which have passed their barriers. */
function late(state: State, { size, ranks }: Cast): State {
  const full = (first: number) => ({
    ...absentTerm(size),
    isOpen: true,
    members: Array.from({ length: size }, (_, rank) => first + rank),
    here: Array<boolean>(size).fill(true),
  })
  return {
    ...state,
    terms: [full(0), full(size)],
    processes: ranks.map((_, index) => ({ at: 'take over', term: Math.floor(index / size) + 1 })),
  }
}

const together = [0, 1]
const withZombie = [0, 1, 0]
const twice = [0, 1, 0, 1]

/** Two ranks each. A zombie is a process of a rank that is still running when the next one starts. */
export const scenarios: readonly Scenario[] = [
  scenario('two ranks, with everything that can happen around them', together, {
    saves: 2,
    saved: 1,
    floorRaises: 1,
    drops: 1,
    lostAnswers: 1,
    corruptions: 1,
    repeatedCalls: 1,
  }),
  scenario('a zombie', withZombie),
  scenario('a zombie and a lost answer', withZombie, { lostAnswers: 1 }),
  scenario('a zombie and a sweep that stops midway', withZombie, { partialSweeps: 1 }),
  scenario('a zombie and a floor that is raised', withZombie, { floorRaises: 1 }),
  scenario('a zombie, two steps and a drop', withZombie, { saves: 2, drops: 1 }),
  scenario('a zombie and a repeated call', withZombie, { repeatedCalls: 1 }),
  scenario('a zombie and a corrupt part', withZombie, { corruptions: 1, saved: 2 }),
  scenario('a zombie and an owner that goes', withZombie, { releases: 1 }),
  scenario('two terms past their barriers', twice, { isLate: true }),
  scenario('two terms past their barriers, and a sweep that stops midway', twice, {
    isLate: true,
    partialSweeps: 1,
  }),
  scenario('two terms past their barriers, and a floor that is raised', twice, {
    isLate: true,
    floorRaises: 1,
  }),
  scenario('two terms past their barriers, and a lost answer', twice, { isLate: true, lostAnswers: 1 }),
  scenario('two terms past their barriers, and a corrupt part', twice, {
    isLate: true,
    corruptions: 1,
    saved: 1,
  }),
  scenario('two terms past their barriers, and an owner that goes', twice, { isLate: true, releases: 1 }),
  scenario('a zombie, and a start that rewinds', [0, 1, 0, 1], { saved: 2, goBack: [2, 3] }),
  scenario('two terms past their barriers, of which one rewinds, and a lost answer', twice, {
    isLate: true,
    saved: 2,
    goBack: [2, 3],
    lostAnswers: 1,
  }),
  scenario('two terms past their barriers, which count their restores', twice, {
    isLate: true,
    saved: 2,
    maxTries: 1,
    lostAnswers: 1,
  }),
  scenario('two ranks that count their restores, and a corrupt part', withZombie, {
    saved: 2,
    maxTries: 1,
    corruptions: 1,
  }),
  scenario('two starts, of which the first saves two steps, and a corrupt part', twice, {
    saved: 1,
    saves: 2,
    corruptions: 1,
  }),
]

/** Small ones in which every job ends, and in which every protocol that leaves a process stuck is caught. */
export const fairScenarios: readonly Scenario[] = [
  scenario('two ranks', together),
  scenario('two ranks, two steps and a floor that is raised', together, { floorRaises: 1, saves: 2 }),
  scenario('two ranks and a drop', together, { drops: 1, saves: 2 }),
  scenario('two ranks and a corrupt part', together, { corruptions: 1, saved: 1 }),
  scenario('two ranks and two checkpoints of which one is corrupt', together, { corruptions: 1, saved: 2 }),
  scenario('two ranks and three checkpoints of which one is corrupt', together, { corruptions: 1, saved: 3 }),
  scenario('two ranks, a lost answer and a floor that is raised', together, {
    lostAnswers: 1,
    floorRaises: 1,
  }),
  scenario('a zombie', withZombie),
  scenario('two terms past their barriers', twice, { isLate: true }),
  scenario('two ranks that rewind', together, { saved: 2, goBack: [0, 1], lostAnswers: 1 }),
  scenario('two ranks that count their restores', together, { saved: 1, maxTries: 9, lostAnswers: 1 }),
]

/** The same, and those in which a program breaks off or another writer ends the term. Every unsafe protocol is caught. */
export const smallScenarios: readonly Scenario[] = [
  scenario('two ranks and a repeated call', together, { repeatedCalls: 1 }),
  scenario('two ranks and an owner that goes', together, { releases: 1 }),
  scenario('a zombie whose peer never starts', [0, 0]),
  ...fairScenarios,
  scenario('a zombie and a repeated call', withZombie, { repeatedCalls: 1 }),
]
