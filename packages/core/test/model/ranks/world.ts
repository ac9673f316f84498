import type { AttemptId } from '../../../src/catalog/documents/index.ts'
import type { WholeCatalog } from '../../../src/catalog/pages/index.ts'

/** Everything that has a state. It is immutable, and plain data but for the catalog. */
export interface State {
  /** The newest version of the catalog. Equal versions are one object. */
  readonly catalog: WholeCatalog
  /** The agreements of each term, the first term first. */
  readonly terms: readonly Term[]
  /** What lies on the store of each attempt. */
  readonly data: Readonly<Record<AttemptId, AttemptData>>
  /** The processes, in the order of their starts within a rank. */
  readonly processes: readonly Process[]
  /** What was promised, for the judge alone. */
  readonly ghost: Ghost
  readonly budget: Budget
}

/** The agreements of one term. `null` stands for an absent document. */
export interface Term {
  readonly isOpen: boolean
  /** The process that occupies each rank. */
  readonly members: readonly (number | null)[]
  readonly here: readonly boolean[]
  /** By round. */
  readonly resumes: readonly (Resume | null)[]
  /** The rewind of the term. Omitted if its ranks do not go back. */
  readonly rewind?: Rewinding | undefined
  readonly verdicts: readonly Verdict[]
  /** By step and try: `<step>.<try>`. */
  readonly saves: Readonly<Record<string, Save>>
}

/** The checkpoint from which a term continues, or none. */
export type Choice = AttemptId | 'none'

export interface Resume {
  readonly choice: Choice
  /** The version of the proposal, if later checkpoints were restored too often, so that the term rewinds to this one. */
  readonly back?: number | undefined
}

export interface Rewinding {
  readonly attempt: AttemptId
  /** The version of the proposal. */
  readonly base: number
}

export interface Verdict {
  readonly round: number
  readonly rank: number
  readonly attempt: Choice
  readonly isGood: boolean
}

/** A save on which the ranks agree. */
export interface Save {
  readonly attempt: AttemptId
  /** The checkpoint from which it continues. */
  readonly continues: Choice
}

/** A part: which process wrote it, from which history, and which bytes. */
export interface Part {
  readonly process: number
  readonly term: number
  readonly resumed: Choice
  readonly bytes: number
}

export interface AttemptData {
  /** The bytes of each rank that lie on the store: `<process>.<bytes>`. */
  readonly bytes: readonly (readonly string[])[]
  readonly parts: readonly (Part | null)[]
  readonly manifest: readonly (Part | null)[] | null
}

/** A place in the program of a process, with what the process remembers there. */
type At<Place extends string, Memory = unknown> = Place extends string
  ? { readonly at: Place } & Readonly<Memory>
  : never

/** Where a process is in its program, and what it remembers. */
export type Process =
  | At<'unborn' | 'never born' | 'fenced' | 'refused' | 'done'>
  | At<'join', { wasMember: boolean }>
  | At<'open' | 'occupy' | 'look at slot' | 'show', { term: number }>
  | At<'barrier', { term: number; isShown: boolean }>
  | At<'take over', { term: number; early?: Choice }>
  | At<'plan rewind', { term: number }>
  | At<'agree rewind' | 'rewind', Rewinding & { term: number }>
  | At<'choose', Round>
  | At<'agree' | 'prepare', Round & Resume>
  | At<'restore' | 'verdicts' | 'quarantine' | 'go', Round & { choice: Choice }>
  | At<'begin save', Saving>
  | At<'agree save', Saving & { base: number }>
  | At<'put' | 'part' | 'wait' | 'manifest', Saving & Save>
  | At<'commit', Saving & Save & { parts: readonly (Part | null)[] }>

export interface Round {
  readonly term: number
  readonly round: number
  readonly avoided: readonly Choice[]
}

export interface Saving {
  readonly term: number
  readonly resumed: Choice
  /** Steps that are still to be saved, this one included. */
  readonly left: number
  readonly step: number
  readonly tries: number
  readonly bytes: number
}

export interface Ghost {
  /** Which process continued from what, in which term. */
  readonly went: readonly (readonly [term: number, choice: Choice])[]
  readonly acknowledged: readonly AttemptId[]
}

/** How often something may still happen. */
export interface Budget {
  readonly floorRaises: number
  readonly drops: number
  readonly partialSweeps: number
  readonly corruptions: number
  readonly lostAnswers: number
  readonly repeatedCalls: number
  readonly releases: number
}

export interface Step {
  readonly name: string
  readonly next: State
  /** A promise that this step breaks. */
  readonly breaks?: string | undefined
}

/** The size of the job, and which rank each process has. */
export interface Cast {
  readonly size: number
  readonly ranks: readonly number[]
  /** How many steps each process saves. */
  readonly saves: number
  /** The processes that rewind to the first checkpoint before they restore, by their index. */
  readonly goBack?: readonly number[] | undefined
  /** How often a checkpoint may be restored without a later save. */
  readonly maxTries?: number | undefined
}

export function absentTerm(size: number): Term {
  return {
    isOpen: false,
    members: Array<null>(size).fill(null),
    here: Array<boolean>(size).fill(false),
    resumes: [],
    verdicts: [],
    saves: {},
  }
}

export function isAbsent({ isOpen, members, here, resumes, rewind, verdicts, saves }: Term): boolean {
  return (
    !isOpen &&
    rewind === undefined &&
    members.every((member) => member === null) &&
    !here.includes(true) &&
    resumes.every((resume) => resume === null) &&
    verdicts.length === 0 &&
    Object.keys(saves).length === 0
  )
}

export function termOf(state: State, term: number, size: number): Term {
  return state.terms[term - 1] ?? absentTerm(size)
}

export function withTerm(state: State, term: number, size: number, change: Partial<Term>): State {
  const terms = [...state.terms]
  while (terms.length < term) terms.push(absentTerm(size))
  terms[term - 1] = { ...termOf(state, term, size), ...change }
  return { ...state, terms }
}

/** The newest term of which an agreement is on the store; 0 if there is none. */
export function newestTerm({ terms }: State): number {
  return terms.findLastIndex((term) => !isAbsent(term)) + 1
}

export function dataOf({ data }: State, attempt: AttemptId, size: number): AttemptData {
  return (
    data[attempt] ?? {
      bytes: Array<readonly string[]>(size).fill([]),
      parts: Array<null>(size).fill(null),
      manifest: null,
    }
  )
}

export function withData(state: State, attempt: AttemptId, data: AttemptData | undefined): State {
  const { [attempt]: _, ...others } = state.data
  const next = data === undefined ? others : { ...others, [attempt]: data }
  return { ...state, data: Object.fromEntries(Object.entries(next).sort()) }
}

export function withProcess(state: State, index: number, process: Process): State {
  return { ...state, processes: state.processes.with(index, process) }
}

export function spend(state: State, what: keyof Budget): State {
  return { ...state, budget: { ...state.budget, [what]: state.budget[what] - 1 } }
}
