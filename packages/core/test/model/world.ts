import { type AttemptId, partsOfAttempt } from '../../src/catalog/documents/index.ts'
import { compareSaves } from '../../src/order-key.ts'
import { attemptsOf, type WholeCatalog } from '../../src/catalog/pages/index.ts'

/** A document that takes a number while a lost catalog is rebuilt. Readers treat it as damaged. */
export const fence = 'fence'

/** The store and the promises, which all actors share. Immutable, like all states. */
export interface World {
  /** The catalog versions in the store, by number. */
  readonly catalogs: ReadonlyMap<number, WholeCatalog | typeof fence>
  /** The attempts whose bytes are in the store. */
  readonly data: ReadonlySet<AttemptId>
  /** The promises so far. Only the judge reads them, no actor does. */
  readonly ghost: Ghost
}

/** The world from the view of one actor, without the memory of the others. */
export interface Scene {
  readonly world: World
  readonly own: ActorState
}

/** All mutable state. */
export interface State {
  readonly world: World
  readonly actors: readonly ActorState[]
}

export interface Ghost {
  /** The attempts whose saves were acknowledged, and those whose saves were reported as failed. */
  readonly acknowledged: ReadonlySet<AttemptId>
  readonly refused: ReadonlySet<AttemptId>
  /** The attempts that a commit in the sequence of versions has dropped. */
  readonly dropped: ReadonlySet<AttemptId>
  /** The dropped attempts that were pinned or the best in the version before. */
  readonly unprotected: ReadonlySet<AttemptId>
  /** Pairs of attempts: the save of the first began when the second was listed, so that it is later. */
  readonly later: ReadonlySet<string>
  /** Attempts that a save replaced which had begun before they were listed. */
  readonly overwritten: ReadonlySet<AttemptId>
  /** Attempts that a rewind left behind: they were listed after its step, or under way. */
  readonly left: ReadonlySet<AttemptId>
  /** Attempts that were listed again although a lost version had declared them dead: they may be being deleted. */
  readonly revived: ReadonlySet<AttemptId>
  /** Attempts that a writer listed although another writer owned the store. */
  readonly trespassing: ReadonlySet<AttemptId>
  /** Whether the catalog was lost and not rebuilt since: then what was acknowledged is there, and need not be listed. */
  readonly isLost: boolean
  /**
   * The highest number that was created, or that was created since the catalog was lost. A later creation of a lower
   * number is not part of the sequence.
   */
  readonly line: number
  /** The newest version of the sequence, even if it is lost. */
  readonly truth: WholeCatalog
}

/** The position of an actor in its program, and its memory. */
export interface ActorState {
  readonly at:
    | 'begin'
    | 'put'
    | 'fence'
    | 'find'
    | 'commit'
    | 'look back'
    | 'read listed'
    | 'clean up'
    | 'sweep'
    | 'end'
  readonly known: WholeCatalog | undefined
  /** Whether `known` was read after the last refusal. */
  readonly fresh: boolean
  readonly attempt: AttemptId | undefined
  /** The attempt that the step of its save had when it began. */
  readonly replaces: AttemptId | 'nothing' | undefined
  /** The attempt that its undo lists again. */
  readonly undoes: AttemptId | undefined
  /** Whether the save of the actor has failed, and its attempt must be declared dead next. */
  readonly discards: boolean
  readonly created: number | undefined
  /** The version that a look back has listed and reads next. */
  readonly listed: WholeCatalog | undefined
  /** The attempts to delete next, and a catalog version whose writer was suspended too long. */
  readonly toDelete: readonly AttemptId[]
  /** For a repair: the version that its own follows, and the complete attempts that it found. */
  readonly follows: number | undefined
  readonly wholes: readonly AttemptId[] | undefined
  /** The number of completed operations. */
  readonly done: number
}

export interface Step {
  readonly name: string
  readonly next: Scene
}

/** Returns the newest version; `undefined` if it is a fence or all versions are lost. */
export function newest(world: World): WholeCatalog | undefined {
  const document = world.catalogs.get(Math.max(0, ...world.catalogs.keys()))
  return document === fence ? undefined : document
}

/**
 * Returns whether a version from the floor of a known one to itself is missing, and a loss must be the reason. Without a loss, a
 * later version may have allowed to sweep it.
 */
export function hasGap({ catalogs, ghost }: World, { version, floor }: WholeCatalog): boolean {
  if (!ghost.isLost && Math.max(0, ...catalogs.keys()) > version) return false
  for (let each = Math.max(1, floor); each <= version; each += 1) if (!catalogs.has(each)) return true
  return false
}

/** Returns the world after a version was created, with the resulting promises. */
export function created(world: World, catalog: WholeCatalog): Partial<World> {
  const catalogs = new Map([...world.catalogs, [catalog.version, catalog] as const])
  const { ghost } = world
  if (catalog.version <= ghost.line) return { catalogs }
  const before = ghost.truth
  const dropped = new Set(ghost.dropped)
  const unprotected = new Set(ghost.unprotected)
  const losses = lossesOf(before)
  const best = Math.min(...losses.values())
  for (const attempt of goneBy(catalog)) {
    const entries = [...before.checkpoints.all, ...(before.abandoned ?? [])]
    const was = entries.find((each) => each.attempt === attempt)
    if (was?.pinned !== undefined || losses.get(attempt) === best) unprotected.add(attempt)
  }
  // A rebuild may continue from a version that was created outside of the sequence.
  for (const record of catalog.history) for (const { attempt } of record.dropped) dropped.add(attempt)
  const overwritten = new Set([...ghost.overwritten, ...overwrittenBy(catalog, ghost)])
  const left = new Set([...ghost.left, ...leftBehind(world, catalog)])
  const revived = new Set([...ghost.revived, ...revivedBy(catalog, ghost)])
  const line = catalog.version
  const isLost = ghost.isLost && !isRebuild(catalog)
  return {
    catalogs,
    ghost: { ...ghost, dropped, unprotected, overwritten, left, revived, isLost, line, truth: catalog },
  }
}

/** The attempts that a version takes out of the list, for good or so that an undo can list them again. */
function goneBy({ version, history, removed = [] }: WholeCatalog): readonly AttemptId[] {
  const dropped = history.at(-1)?.dropped.filter(({ expired }) => expired !== true) ?? []
  const undoable = removed.filter((each) => each.version === version).map(({ entry }) => entry)
  return [...dropped, ...undoable].map(({ attempt }) => attempt)
}

/** What a version replaces although the save that made it began before. */
function overwrittenBy({ history, checkpoints }: WholeCatalog, { later }: Ghost): readonly AttemptId[] {
  const replaced = history.at(-1)?.dropped.filter(({ because }) => because === 'replaced') ?? []
  return replaced.flatMap(({ step, attempt }) => {
    const by = checkpoints.get(step)
    return by !== undefined && later.has(pairOf(by.attempt, attempt)) ? [] : [attempt]
  })
}

/** What a version leaves behind if a rewind made it. */
function leftBehind({ data, ghost }: World, { history, latest }: WholeCatalog): readonly AttemptId[] {
  if (history.at(-1)?.did.startsWith('rewind') !== true) return []
  const { checkpoints, removed = [] } = ghost.truth
  const target = checkpoints.all.find(({ attempt }) => attempt === latest?.attempt)
  const listed = attemptsOf(ghost.truth)
  return [
    ...[...checkpoints.all, ...removed.map(({ entry }) => entry)].filter(
      (entry) => target !== undefined && compareSaves(entry, target) > 0,
    ),
    ...[...data].filter((attempt) => !listed.has(attempt)).map((attempt) => ({ attempt })),
  ].map(({ attempt }) => attempt)
}

/** The promises once a save has begun with a version of the catalog that it knows. */
export function withBegun(ghost: Ghost, attempt: AttemptId, known: WholeCatalog): Ghost {
  const pairs = known.checkpoints.all.map((entry) => pairOf(attempt, entry.attempt))
  return { ...ghost, later: new Set([...ghost.later, ...pairs]) }
}

function pairOf(later: AttemptId, earlier: AttemptId): string {
  return `${later} ${earlier}`
}

/** Returns the world after all versions of the catalog are lost. */
export function lost(world: World): Partial<World> {
  return { catalogs: new Map(), ghost: { ...world.ghost, isLost: true, line: 0 } }
}

function isRebuild({ history }: WholeCatalog): boolean {
  return history.at(-1)?.did === 'rebuild'
}

/** After a loss, a writer may continue with the version that it remembers. */
function revivedBy(catalog: WholeCatalog, { truth, dropped, isLost }: Ghost): readonly AttemptId[] {
  if (!isLost && !isRebuild(catalog)) return []
  const known = attemptsOf(truth)
  return [...attemptsOf(catalog)].filter(
    (attempt) => dropped.has(attempt) || (!known.has(attempt) && partsOfAttempt(attempt).base < truth.floor),
  )
}

/** Returns the losses of the listed attempts that have one. */
function lossesOf({ checkpoints }: WholeCatalog): ReadonlyMap<AttemptId, number> {
  return new Map(
    checkpoints.all.flatMap(({ attempt, metrics: { loss } }) =>
      typeof loss === 'number' ? [[attempt, loss]] : [],
    ),
  )
}

/** Returns a promise that does not hold in this world; `undefined` if all hold. */
export function violation(world: World): string | undefined {
  const { acknowledged, dropped, unprotected, overwritten, trespassing } = world.ghost
  for (const attempt of overwritten) return `${attempt} was replaced by a save that had begun before`
  for (const attempt of acknowledged) {
    if (!dropped.has(attempt) && !world.data.has(attempt))
      return `${attempt} was acknowledged, and its bytes are gone`
  }
  for (const attempt of unprotected) return `${attempt} was pinned or the best, and was dropped`
  for (const attempt of trespassing) return `${attempt} was listed by a writer that did not own the store`
  const truth = newest(world)
  return truth === undefined ? undefined : violationIn(truth, world)
}

function violationIn(truth: WholeCatalog, { data, ghost }: World): string | undefined {
  const listed = attemptsOf(truth)
  for (const { attempt, recovered } of truth.checkpoints.all) {
    if (!data.has(attempt) && !ghost.revived.has(attempt))
      return `${attempt} is listed, and its bytes are gone`
    if (ghost.refused.has(attempt) && recovered !== true) return `${attempt} was refused, and is listed`
    if (ghost.left.has(attempt) && recovered !== true) return `${attempt} was left behind, and is listed`
    if (truth.latest !== undefined && ghost.later.has(pairOf(attempt, truth.latest.attempt)))
      return `${attempt} began after ${truth.latest.attempt}, which is the latest`
  }
  for (const { attempt } of truth.abandoned ?? []) {
    if (!data.has(attempt)) return `${attempt} is abandoned, and its bytes are gone`
  }
  for (const { entry } of truth.removed ?? []) {
    const { attempt } = entry
    if (!data.has(attempt) && !ghost.revived.has(attempt))
      return `${attempt} can be undone, and its bytes are gone`
    if (truth.checkpoints.get(entry.step)?.attempt === attempt) return `${attempt} is listed and removed`
  }
  for (const attempt of ghost.acknowledged) {
    if (!ghost.isLost && !listed.has(attempt) && !ghost.dropped.has(attempt))
      return `${attempt} was acknowledged, is not listed, and no commit dropped it`
  }
  return undefined
}
