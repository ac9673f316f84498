import type { WholeCatalog } from '../../src/catalog/pages/index.ts'
import { attemptPrefix, catalogKey } from '../../src/catalog/documents/index.ts'
import { fateOf } from '../../src/catalog/commit/rules/index.ts'
import { attemptOf } from './entries.ts'
import { type Actor, type Operation, requestOf } from './operations.ts'
import type { Protocol } from './protocol.ts'
import { repairSteps } from './repair.ts'
import {
  type ActorState,
  created,
  fence,
  hasGap,
  lost,
  newest,
  type Scene,
  type Step,
  withBegun,
  type World,
} from './world.ts'

export const beginning: ActorState = {
  at: 'begin',
  known: undefined,
  fresh: false,
  attempt: undefined,
  replaces: undefined,
  undoes: undefined,
  discards: false,
  created: undefined,
  listed: undefined,
  toDelete: [],
  follows: undefined,
  wholes: undefined,
  done: 0,
}

/**
 * Returns every next step of this actor, each with the resulting scene. A crash is the absence of further steps, so
 * each scene also covers a crash at that point.
 */
export function stepsOf(
  { world, own: state }: Scene,
  index: number,
  actor: Actor,
  protocol: Protocol,
): readonly Step[] {
  const operation = actor.operations[state.done]
  if (operation === undefined) return []
  const become = (next: Partial<ActorState>, changes: Partial<World> = {}): Scene => ({
    world: { ...world, ...changes },
    own: remembering({ ...state, ...next }),
  })
  const finish = (changes: Partial<World> = {}): Scene => become({ at: 'clean up', toDelete: [] }, changes)
  const step = (what: string, next: Scene): Step => ({ name: `${actor.name}: ${what}`, next })

  switch (state.at) {
    case 'begin':
    case 'fence':
    case 'find':
      return firstSteps(operation)
    case 'put': {
      if (state.known === undefined || !('step' in operation)) return []
      const attempt = attemptOf(index, state.done, operation.step, state.known)
      const replaces = state.known.checkpoints.get(operation.step)?.attempt ?? 'nothing'
      const ghost = protocol.acknowledgesBeforeCommit
        ? { ...world.ghost, acknowledged: new Set([...world.ghost.acknowledged, attempt]) }
        : world.ghost
      const put = { data: new Set([...world.data, attempt]), ghost: withBegun(ghost, attempt, state.known) }
      if (operation.kind !== 'failing save')
        return [step(`puts ${attempt}`, become({ at: 'commit', attempt, replaces }, put))]
      return [step(`puts ${attempt}, and fails`, giveUp({ ...world, ...put }, { attempt }))]
    }
    case 'commit':
      return commitSteps(operation)
    case 'look back': {
      if (protocol.skipsLookBack) return [step('trusts its create', acknowledge(world))]
      const listed = newest(world)
      if (listed === undefined) return [step('looks back: finds the newest version damaged', end(world))]
      return [step('lists newer versions', become({ at: 'read listed', listed }))]
    }
    case 'read listed':
      return lookBackSteps(operation)
    case 'clean up': {
      const [attempt, ...toDelete] = state.toDelete
      const data = new Set([...world.data].filter((each) => each !== attempt))
      return [step(`deletes ${attempt}`, become({ toDelete }, { data }))]
    }
    case 'sweep':
      return sweepSteps()
    case 'end':
      return []
  }

  function firstSteps(operation: Operation): readonly Step[] {
    const { kind } = operation
    if (kind === 'lose the catalog') return [step('lets all versions be lost', finish(lost(world)))]
    if (kind === 'repair')
      return repairSteps(world, state, protocol, become).map(({ what, next }) => step(what, next))
    const readsFirst = operation.kind === 'sweep' || operation.kind === 'undo'
    const known = readsFirst ? newest(world) : (state.known ?? newest(world))
    if (known === undefined) return [step('cannot read the newest catalog', end(world))]
    if (kind === 'sweep') return [step('reads the newest catalog', become({ at: 'sweep', known }))]
    if (kind === 'undo') {
      const undoes = known.removed?.findLast(({ entry }) => entry.step === operation.step)?.entry.attempt
      if (undoes === undefined) return [step('finds nothing to undo', finish())]
      return [step(`chooses to undo ${undoes}`, become({ at: 'commit', known, undoes, fresh: false }))]
    }
    const base = state.known === undefined ? 'reads the newest catalog' : 'begins with the catalog it knows'
    const isSave = kind === 'save' || kind === 'failing save'
    return [step(base, become({ at: isSave ? 'put' : 'commit', known, fresh: false }))]
  }

  function commitSteps(operation: Operation): readonly Step[] {
    if (state.known === undefined) return []
    const known = { ...state.known, version: state.follows ?? state.known.version }
    const verdict = protocol.nextCatalog(known, requestOf(actor, index, state, operation, state.known))
    if (verdict.kind === 'committed') return [step('finds itself committed', acknowledge(world))]
    if (verdict.kind === 'unknown' && state.fresh) return [step('is found by a repair', end(world))]
    if (verdict.kind !== 'next') {
      if (!state.fresh) return [step('reads the newest catalog again', readAgain())]
      return [step(`is refused: ${verdict.kind}`, giveUp(world))]
    }
    const { catalog } = verdict
    const raisesFloor = catalog.floor > known.floor && operation.kind !== 'repair'
    if (raisesFloor && !protocol.raisesFloorOverGaps && hasGap(world, known))
      return [step('finds that versions are lost', state.fresh ? giveUp(world) : readAgain())]
    const early = protocol.deletesBeforeCommit ? (catalog.history.at(-1)?.dropped ?? []) : []
    const data = new Set([...world.data].filter((each) => !early.some(({ attempt }) => attempt === each)))
    const toDelete = catalog.history.at(-1)?.dropped.map(({ attempt }) => attempt) ?? []
    const there = world.catalogs.get(catalog.version)
    const name = `version ${catalog.version}`
    const withCreated = { ...withTrespass(created(world, catalog), catalog), data }
    const again = readAgain({ data })
    const proceed = become({ at: 'look back', created: catalog.version, toDelete }, withCreated)
    const lie = become({ at: 'look back', created: catalog.version, toDelete }, { data })
    const lies = actor.isLiedTo === true ? [step(`is told that it created ${name}, falsely`, lie)] : []
    const outcomes = { proceed, again, version: catalog.version }
    if (there === undefined) {
      return [
        ...lies,
        step(`creates ${name}`, proceed),
        step(
          `creates ${name}, and the answer is lost`,
          afterLostAnswer({ ...world, ...withCreated }, outcomes, true),
        ),
        step(
          `tries to create ${name}, and request and answer are lost`,
          afterLostAnswer({ ...world, data }, outcomes, false),
        ),
      ]
    }
    const isOurs = there !== fence && there.commitId === catalog.commitId
    return [
      ...lies,
      step(`finds ${name} there`, again),
      step(
        `finds ${name} there, and the answer is lost`,
        afterLostAnswer({ ...world, data }, outcomes, isOurs),
      ),
    ]
  }

  /** Notes an attempt that this actor lists although another writer owns the store. */
  function withTrespass(changes: Partial<World>, { owner }: WholeCatalog): Partial<World> {
    const isOwn = owner === null || owner.id === actor.writer.id
    if (isOwn || operation?.kind !== 'save' || state.discards || state.attempt === undefined) return changes
    const ghost = changes.ghost ?? world.ghost
    return { ...changes, ghost: { ...ghost, trespassing: new Set([...ghost.trespassing, state.attempt]) } }
  }

  /** A repair looks at everything again. */
  function readAgain(changes: Partial<World> = {}): Scene {
    if (operation?.kind === 'repair') {
      return { world: { ...world, ...changes }, own: { ...beginning, done: state.done } }
    }
    const known = newest(world)
    return known === undefined ? end({ ...world, ...changes }) : become({ known, fresh: true }, changes)
  }

  /**
   * Reads back. Equal bytes are ours, other bytes are not. If the object is absent, the outcome is unknown, and nothing
   * is deleted.
   */
  function afterLostAnswer(
    from: World,
    { proceed, again, version }: { readonly proceed: Scene; readonly again: Scene; readonly version: number },
    ours: boolean,
  ): Scene {
    if (protocol.lostAnswerMeans === 'success') return acknowledge(from, proceed.own)
    if (protocol.lostAnswerMeans === 'lost race') return giveUp(from)
    if (ours) return proceed
    const there = again.world.catalogs.get(version)
    return there === undefined || there === fence ? end(from) : again
  }

  function lookBackSteps(operation: Operation): readonly Step[] {
    const { listed, known, created: version } = state
    if (known === undefined || listed === undefined || version === undefined) return []
    const truth = world.catalogs.get(listed.version) === listed ? listed : undefined
    if (truth === undefined)
      return [step('finds what it listed gone', become({ at: 'look back', listed: undefined }))]
    if (truth.version < version) return [step('looks back: finds nothing of its number or after', end(world))]
    const request = requestOf(actor, index, state, operation, known)
    const outcome = protocol.lookBack(request, version, truth)
    if (outcome === 'included' || outcome === 'lost' || outcome === 'before its history') {
      const { attempt, replaces, undoes, discards, done } = state
      const again = { ...beginning, at: 'commit', attempt, replaces, undoes, discards, done } as const
      return [step(`looks back: ${outcome}`, operation.kind === 'repair' ? readAgain() : becomeFresh(again))]
    }
    if (outcome === 'committed') return [step('looks back: committed', acknowledge(world, { known: truth }))]
    if (outcome === 'unknown') return [step('looks back: unknown', end(world))]
    const catalogs = new Map([...world.catalogs].filter(([each]) => each !== version))
    return [step('looks back: fenced', giveUp({ ...world, catalogs }, { known: truth }))]
  }

  function becomeFresh(again: ActorState): Scene {
    const known = newest(world)
    return known === undefined ? end(world) : become({ ...again, known, fresh: true })
  }

  function sweepSteps(): readonly Step[] {
    const { known } = state
    if (known === undefined) return []
    const ended = step('ends its sweep', finish())
    // Deletes in key order, and may stop at any point.
    const version = [...world.catalogs.keys()].sort().find((each) => protocol.isDead(known, catalogKey(each)))
    if (version !== undefined) {
      const catalogs = new Map([...world.catalogs].filter(([each]) => each !== version))
      return [step(`sweeps version ${version}`, become({}, { catalogs })), ended]
    }
    const dead = [...world.data].sort().find((each) => protocol.isDead(known, `${attemptPrefix(each)}file`))
    if (dead === undefined) return [ended]
    const data = new Set([...world.data].filter((each) => each !== dead))
    return [step(`sweeps ${dead}`, become({}, { data })), ended]
  }

  function acknowledge(from: World, learnt: Partial<ActorState> = {}): Scene {
    if (state.discards) return discarded(from, learnt)
    const acknowledged = new Set(from.ghost.acknowledged)
    if (state.attempt !== undefined) acknowledged.add(state.attempt)
    const own = remembering({ ...state, ...learnt, at: 'clean up' })
    return { world: { ...from, ghost: { ...from.ghost, acknowledged } }, own }
  }

  /** An attempt that a repair has listed stays. Its caller is told that the outcome is unknown. */
  function discarded(from: World, learnt: Partial<ActorState>): Scene {
    const { attempt, known, created: version } = state
    if (attempt === undefined || known === undefined) return end(from)
    const isListed = version === undefined && fateOf(known, attempt) === 'listed'
    if (isListed) return { world: from, own: remembering({ ...state, at: 'clean up', toDelete: [] }) }
    return {
      world: refused(from),
      own: remembering({ ...state, ...learnt, at: 'clean up', toDelete: [attempt] }),
    }
  }

  /** The operation has certainly failed. Its attempt is declared dead, and then deleted. */
  function giveUp(from: World, learnt: Partial<ActorState> = {}): Scene {
    const failed = { ...state, ...learnt }
    if (failed.attempt === undefined || failed.discards)
      return { world: refused(from), own: remembering({ ...failed, at: 'clean up', toDelete: [] }) }
    if (protocol.deletesFailedAtOnce) {
      const ghost = { ...from.ghost, refused: new Set([...from.ghost.refused, failed.attempt]) }
      const toDelete = [failed.attempt]
      return { world: { ...from, ghost }, own: remembering({ ...failed, at: 'clean up', toDelete }) }
    }
    const { known, attempt, done } = failed
    return { world: from, own: { ...beginning, at: 'commit', discards: true, known, attempt, done } }
  }

  function refused(from: World): World {
    if (state.attempt === undefined) return from
    return { ...from, ghost: { ...from.ghost, refused: new Set([...from.ghost.refused, state.attempt]) } }
  }

  /** A process that does not know the outcome of its commit does nothing more. */
  function end(from: World): Scene {
    return { world: from, own: { ...beginning, at: 'end', done: actor.operations.length } }
  }

  function remembering(next: ActorState): ActorState {
    return forgetful(next, actor.operations.length)
  }
}

/**
 * Removes everything without further influence from the state, so that equivalent states become equal. A process keeps
 * its knowledge between operations, as the product does.
 */
function forgetful(state: ActorState, operations: number): ActorState {
  if (state.at === 'look back' || state.at === 'read listed') return { ...state, fresh: false }
  if (state.at !== 'clean up') return state
  if (state.toDelete.length > 0) {
    const { at, known, toDelete, done } = state
    return { ...beginning, at, known, toDelete, done }
  }
  const done = state.done + 1
  return done < operations ? { ...beginning, known: state.known, done } : { ...beginning, at: 'end', done }
}
