import type { AttemptId } from '../../src/catalog/documents/index.ts'
import { attemptsOf, type WholeCatalog } from '../../src/catalog/pages/index.ts'

/** What all actors share: the store, and what was promised. Immutable, as all states are. */
export interface World {
  /** Catalog versions on the store, by number. */
  readonly catalogs: ReadonlyMap<number, WholeCatalog>
  /** Attempts whose bytes are on the store. */
  readonly data: ReadonlySet<AttemptId>
  /** What was promised, for the judge alone: no actor sees it. */
  readonly ghost: Ghost
}

/** The world as one actor meets it: what others remember is hidden from it. */
export interface Scene {
  readonly world: World
  readonly own: ActorState
}

/** Everything that has a state. */
export interface State {
  readonly world: World
  readonly actors: readonly ActorState[]
}

export interface Ghost {
  /** Attempts of which a save was acknowledged, and those of which a save was told that it is fenced. */
  readonly acknowledged: ReadonlySet<AttemptId>
  readonly fenced: ReadonlySet<AttemptId>
  /** Attempts that a commit of the one line of versions has dropped. */
  readonly dropped: ReadonlySet<AttemptId>
  /** Those of them that were pinned, or the best, in the version before. */
  readonly unprotected: ReadonlySet<AttemptId>
  /** The highest number that was ever created: a later creation of a lower one is not part of the line. */
  readonly line: number
}

/** Where an actor is in its program, and what it remembers. */
export interface ActorState {
  readonly at: 'begin' | 'put' | 'commit' | 'look back' | 'read listed' | 'clean up' | 'sweep' | 'end'
  readonly known: WholeCatalog | undefined
  /** Whether `known` was read after the last refusal. */
  readonly fresh: boolean
  readonly attempt: AttemptId | undefined
  readonly created: number | undefined
  /** The version that a look back has listed, and is about to read. */
  readonly listed: WholeCatalog | undefined
  /** Attempts to delete next, and a catalog version that slept too long. */
  readonly toDelete: readonly AttemptId[]
  /** How many of its operations are done. */
  readonly done: number
}

export interface Step {
  readonly name: string
  readonly next: Scene
}

export function newest(world: World): WholeCatalog {
  return world.catalogs.get(Math.max(...world.catalogs.keys())) ?? noCatalog()
}

function noCatalog(): never {
  throw new Error('The store of the model has no catalog')
}

/** The losses of the listed attempts that have one. */
export function lossesOf({ checkpoints }: WholeCatalog): ReadonlyMap<AttemptId, number> {
  return new Map(
    checkpoints.all.flatMap(({ attempt, metrics: { loss } }) =>
      typeof loss === 'number' ? [[attempt, loss]] : [],
    ),
  )
}

/** A promise that does not hold in this world; `undefined` when all hold. */
export function violation(world: World): string | undefined {
  const truth = newest(world)
  const listed = attemptsOf(truth)
  for (const { attempt } of truth.checkpoints.all) {
    if (!world.data.has(attempt)) return `${attempt} is listed, and its bytes are gone`
  }
  for (const attempt of world.ghost.acknowledged) {
    if (!listed.has(attempt) && !world.ghost.dropped.has(attempt)) {
      return `${attempt} was acknowledged, is not listed, and no commit dropped it`
    }
  }
  for (const attempt of world.ghost.unprotected) return `${attempt} was pinned or the best, and was dropped`
  for (const attempt of world.ghost.fenced) {
    if (listed.has(attempt)) return `${attempt} was told that it is fenced, and is listed`
  }
  return undefined
}
