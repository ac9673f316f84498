import { keepsAll } from '../../src/store/commit/keeping.ts'
import type { Change } from '../../src/store/commit/changes.ts'
import { type CommitRequest, type Writer } from '../../src/store/commit/rules.ts'
import {
  type AttemptId,
  type CatalogEntry,
  catalogKey,
  attemptPrefix,
  newAttemptId,
} from '../../src/store/documents/index.ts'
import type { WholeCatalog } from '../../src/store/pages/index.ts'
import type { Protocol } from './protocol.ts'
import { type ActorState, newest, type Step, type World } from './world.ts'

/** One thing that an actor wants to do. */
export type Operation =
  | { readonly kind: 'save'; readonly step: number; readonly onExisting: 'fail' | 'replace' }
  | { readonly kind: 'delete'; readonly step: number }
  | { readonly kind: 'take over' }
  | { readonly kind: 'raise floor' }
  | { readonly kind: 'sweep' }

export interface Actor {
  readonly name: string
  readonly writer: Writer
  readonly operations: readonly Operation[]
}

export const beginning: ActorState = {
  at: 'begin',
  known: undefined,
  fresh: false,
  attempt: undefined,
  created: undefined,
  listed: undefined,
  toDelete: [],
  done: 0,
}

const time = '2026-01-01T00:00:00.000Z'

/**
 * Everything that this actor may do next, each as the world after it. That it crashes is that none of these ever
 * happens, so each world stands for a crash of any of them too.
 */
export function stepsOf(world: World, index: number, actor: Actor, protocol: Protocol): readonly Step[] {
  const state = world.actors[index] ?? beginning
  const operation = actor.operations[state.done]
  if (operation === undefined) return []
  const become = (next: Partial<ActorState>, changes: Partial<Omit<World, 'actors'>> = {}): World => ({
    ...world,
    ...changes,
    actors: replaced(world, { ...state, ...next }),
  })
  const finish = (): World => become({ at: 'clean up', toDelete: [] })
  const step = (what: string, next: World): Step => ({ name: `${actor.name}: ${what}`, next })

  switch (state.at) {
    case 'begin': {
      if (operation.kind === 'sweep')
        return [step('reads the newest catalog', become({ at: 'sweep', known: newest(world) }))]
      const known = state.known ?? newest(world)
      const base = state.known === undefined ? 'reads the newest catalog' : 'begins with the catalog it knows'
      return [step(base, become({ at: operation.kind === 'save' ? 'put' : 'commit', known, fresh: false }))]
    }
    case 'put': {
      if (operation.kind !== 'save' || state.known === undefined) return []
      const attempt = attemptOf(index, state.done, operation.step, state.known)
      const ghost = protocol.acknowledgesBeforeCommit
        ? { ...world.ghost, acknowledged: new Set([...world.ghost.acknowledged, attempt]) }
        : world.ghost
      const put = { data: new Set([...world.data, attempt]), ghost }
      return [step(`puts ${attempt}`, become({ at: 'commit', attempt }, put))]
    }
    case 'commit':
      return commitSteps()
    case 'look back':
      if (protocol.skipsLookBack) return [step('trusts its create', acknowledge(world, state))]
      return [step('lists newer versions', become({ at: 'read listed', listed: newest(world) }))]
    case 'read listed':
      return lookBackSteps()
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

  function commitSteps(): readonly Step[] {
    if (operation === undefined || state.known === undefined) return []
    const request = requestOf(actor, index, state, operation, state.known)
    const verdict = protocol.nextCatalog(state.known, request)
    if (verdict.kind === 'committed') return [step('finds itself committed', acknowledge(world, state))]
    if (verdict.kind !== 'next') {
      if (!state.fresh)
        return [step('reads the newest catalog again', become({ known: newest(world), fresh: true }))]
      return [step(`is refused: ${verdict.kind}`, giveUp(verdict.kind === 'fenced'))]
    }
    const { catalog } = verdict
    const early = protocol.deletesBeforeCommit ? (catalog.history.at(-1)?.dropped ?? []) : []
    const data = new Set([...world.data].filter((each) => !early.some(({ attempt }) => attempt === each)))
    const toDelete = catalog.history.at(-1)?.dropped.map(({ attempt }) => attempt) ?? []
    const there = world.catalogs.get(catalog.version)
    const name = `version ${catalog.version}`
    const withCreated = { ...created(world, catalog), data }
    const again = become({ known: newest(world), fresh: true }, { data })
    const proceed = become({ at: 'look back', created: catalog.version, toDelete }, withCreated)
    if (there === undefined) {
      return [
        step(`creates ${name}`, proceed),
        step(
          `creates ${name}, and the answer is lost`,
          afterLostAnswer(become({}, withCreated), proceed, again, true),
        ),
        step(
          `tries to create ${name}, and request and answer are lost`,
          afterLostAnswer(become({}, { data }), proceed, again, false),
        ),
      ]
    }
    return [
      step(`finds ${name} there`, again),
      step(
        `finds ${name} there, and the answer is lost`,
        afterLostAnswer(become({}, { data }), proceed, again, there.commitId === catalog.commitId),
      ),
    ]
  }

  /** Reads back: equal bytes were ours, others were not; none at all is unknown, and then nothing is deleted. */
  function afterLostAnswer(lost: World, proceed: World, again: World, ours: boolean): World {
    if (protocol.lostAnswerMeans === 'success') return acknowledge(lost, stateOf(proceed))
    if (protocol.lostAnswerMeans === 'lost race') return abandon(lost)
    if (ours) return proceed
    return again.catalogs.has((state.known?.version ?? 0) + 1) ? again : end(lost)
  }

  function lookBackSteps(): readonly Step[] {
    const { listed, known, created: version } = state
    if (operation === undefined || known === undefined || listed === undefined || version === undefined)
      return []
    const there = world.catalogs.get(listed.version)
    const truth = there === listed || protocol.trustsNumbers ? there : undefined
    if (truth === undefined)
      return [step('finds what it listed gone', become({ at: 'look back', listed: undefined }))]
    const request = requestOf(actor, index, state, operation, known)
    const outcome = truth.version === version ? 'committed' : protocol.lookBack(request, version, truth)
    if (outcome === 'committed')
      return [step('looks back: committed', acknowledge(world, { ...state, known: truth }))]
    if (outcome === 'unknown') return [step('looks back: unknown', end(world))]
    const catalogs = new Map([...world.catalogs].filter(([each]) => each !== version))
    return [step('looks back: fenced', giveUpIn(become({ known: truth }, { catalogs }), true))]
  }

  function sweepSteps(): readonly Step[] {
    const { known } = state
    if (known === undefined) return []
    const ended = step('ends its sweep', finish())
    // In key order, and it may stop anywhere.
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

  function acknowledge(from: World, knowing: ActorState): World {
    const acknowledged = new Set(from.ghost.acknowledged)
    if (state.attempt !== undefined) acknowledged.add(state.attempt)
    const next = { ...state, ...knowing, at: 'clean up' as const }
    return { ...from, actors: replaced(from, next), ghost: { ...from.ghost, acknowledged } }
  }

  function giveUp(fenced: boolean): World {
    return giveUpIn(world, fenced)
  }

  function giveUpIn(from: World, isFenced: boolean): World {
    const fenced = new Set(from.ghost.fenced)
    if (isFenced && state.attempt !== undefined) fenced.add(state.attempt)
    const toDelete = state.attempt === undefined ? [] : [state.attempt]
    const own = from.actors[index] ?? state
    return {
      ...from,
      actors: replaced(from, { ...own, at: 'clean up', toDelete }),
      ghost: { ...from.ghost, fenced },
    }
  }

  function abandon(from: World): World {
    return giveUpIn(from, true)
  }

  /** A process that does not know what became of its commit does nothing more. */
  function end(from: World): World {
    return { ...from, actors: replaced(from, { ...beginning, at: 'end', done: actor.operations.length }) }
  }

  function replaced(from: World, next: ActorState): readonly ActorState[] {
    const compact = forgetful(next, actor.operations.length)
    return from.actors.map((each, position) => (position === index ? compact : each))
  }

  function stateOf(from: World): ActorState {
    return from.actors[index] ?? state
  }
}

/**
 * The state without what can have no influence any more, so that worlds which differ in nothing else are one. A
 * process keeps what it knows from one operation to the next, as the product does.
 */
function forgetful(state: ActorState, operations: number): ActorState {
  if (state.at === 'look back' || state.at === 'read listed') return { ...state, fresh: false }
  if (state.at !== 'clean up') return state
  if (state.toDelete.length > 0)
    return { ...state, fresh: false, attempt: undefined, created: undefined, listed: undefined }
  const done = state.done + 1
  return done < operations ? { ...beginning, known: state.known, done } : { ...beginning, at: 'end', done }
}

function created(world: World, catalog: WholeCatalog): Partial<Omit<World, 'actors'>> {
  const catalogs = new Map([...world.catalogs, [catalog.version, catalog]])
  if (catalog.version <= world.ghost.line) return { catalogs }
  const dropped = new Set(world.ghost.dropped)
  for (const { attempt } of catalog.history.at(-1)?.dropped ?? []) dropped.add(attempt)
  return { catalogs, ghost: { ...world.ghost, dropped, line: catalog.version } }
}

function requestOf(
  actor: Actor,
  index: number,
  state: ActorState,
  operation: Operation,
  known: WholeCatalog,
): CommitRequest {
  return {
    writer: actor.writer,
    keeping: keepsAll,
    commitId: `${index}.${state.done}`,
    at: time,
    change: changeOf(operation, state, known),
  }
}

function changeOf(operation: Operation, state: ActorState, known: WholeCatalog): Change {
  switch (operation.kind) {
    case 'save':
      return { kind: 'save', entry: entryOf(operation.step, state.attempt), onExisting: operation.onExisting }
    case 'delete':
      return { kind: 'delete', steps: [operation.step], because: 'pruned' }
    case 'raise floor':
      return { kind: 'raise floor', floor: known.version } // the most that any clock could justify
    case 'take over':
      return { kind: 'take over' }
    case 'sweep':
      throw new Error('A sweep commits nothing')
  }
}

export function entryOf(step: number, attempt: AttemptId | undefined): CatalogEntry {
  if (attempt === undefined) throw new Error('A save is committed after its bytes are put')
  return {
    step,
    attempt,
    manifest: { sha256: '0'.repeat(64), size: 1 },
    files: 1,
    bytes: 1,
    savedAt: time,
    metrics: {},
    tags: [],
  }
}

export function attemptOf(index: number, operation: number, step: number, known: WholeCatalog): AttemptId {
  return newAttemptId(step, known.version, `${index}${operation}`.padStart(16, '0'))
}
