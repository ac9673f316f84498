import { keepsAll, type WriterKeeping } from '../../src/catalog/judging/keeping.ts'
import type { Change } from '../../src/catalog/commit/changes/index.ts'
import { type CommitRequest, type Writer } from '../../src/catalog/commit/rules.ts'
import {
  type AttemptId,
  type CatalogEntry,
  catalogKey,
  attemptPrefix,
  newAttemptId,
  partsOfAttempt,
} from '../../src/catalog/documents/index.ts'
import type { WholeCatalog } from '../../src/catalog/pages/index.ts'
import type { Protocol } from './protocol.ts'
import { type ActorState, lossesOf, newest, type Scene, type Step, type World } from './world.ts'

/** One thing that an actor wants to do. */
export type Operation =
  | { readonly kind: 'save'; readonly step: number; readonly onExisting: 'fail' | 'replace' }
  | { readonly kind: 'delete'; readonly step: number }
  | { readonly kind: 'pin'; readonly step: number }
  /** Adds the lowest loss to a checkpoint, which makes it the best. */
  | { readonly kind: 'attach'; readonly step: number; readonly loss: number }
  | { readonly kind: 'take over' }
  | { readonly kind: 'raise floor' }
  | { readonly kind: 'sweep' }

export interface Actor {
  readonly name: string
  readonly writer: Writer
  readonly operations: readonly Operation[]
  /** Default: no objective, and everything is kept. */
  readonly keeping?: WriterKeeping | undefined
  /** Whether something may answer in the store's place that a version was created, while nothing was. */
  readonly isLiedTo?: boolean | undefined
}

/** A writer for which the lowest loss is the best. */
export const lowestLoss: WriterKeeping = {
  ...keepsAll,
  objectives: { loss: { metric: 'loss', direction: 'min' } },
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
 * Everything that this actor may do next, each as the scene after it. That it crashes is that none of these ever
 * happens, so each scene stands for a crash of any of them too.
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
  const finish = (): Scene => become({ at: 'clean up', toDelete: [] })
  const step = (what: string, next: Scene): Step => ({ name: `${actor.name}: ${what}`, next })

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
      if (protocol.skipsLookBack) return [step('trusts its create', acknowledge(world))]
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
    if (verdict.kind === 'committed') return [step('finds itself committed', acknowledge(world))]
    if (verdict.kind !== 'next') {
      if (!state.fresh)
        return [step('reads the newest catalog again', become({ known: newest(world), fresh: true }))]
      return [step(`is refused: ${verdict.kind}`, giveUp(world, verdict.kind === 'fenced'))]
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
    const lie = become({ at: 'look back', created: catalog.version, toDelete }, { data })
    const lies = actor.isLiedTo === true ? [step(`is told that it created ${name}, falsely`, lie)] : []
    if (there === undefined) {
      return [
        ...lies,
        step(`creates ${name}`, proceed),
        step(
          `creates ${name}, and the answer is lost`,
          afterLostAnswer({ ...world, ...withCreated }, proceed, again, true),
        ),
        step(
          `tries to create ${name}, and request and answer are lost`,
          afterLostAnswer({ ...world, data }, proceed, again, false),
        ),
      ]
    }
    return [
      ...lies,
      step(`finds ${name} there`, again),
      step(
        `finds ${name} there, and the answer is lost`,
        afterLostAnswer({ ...world, data }, proceed, again, there.commitId === catalog.commitId),
      ),
    ]
  }

  /** Reads back: equal bytes were ours, others were not; none at all is unknown, and then nothing is deleted. */
  function afterLostAnswer(lost: World, proceed: Scene, again: Scene, ours: boolean): Scene {
    if (protocol.lostAnswerMeans === 'success') return acknowledge(lost, proceed.own)
    if (protocol.lostAnswerMeans === 'lost race') return giveUp(lost, true)
    if (ours) return proceed
    return again.world.catalogs.has((state.known?.version ?? 0) + 1) ? again : end(lost)
  }

  function lookBackSteps(): readonly Step[] {
    const { listed, known, created: version } = state
    if (operation === undefined || known === undefined || listed === undefined || version === undefined)
      return []
    const there = world.catalogs.get(listed.version)
    const truth = there === listed ? there : undefined
    if (truth === undefined)
      return [step('finds what it listed gone', become({ at: 'look back', listed: undefined }))]
    if (truth.version < version) return [step('looks back: finds nothing of its number or after', end(world))]
    const request = requestOf(actor, index, state, operation, known)
    const outcome = protocol.lookBack(request, version, truth)
    if (outcome === 'lost' || outcome === 'before its history') {
      const again = { ...beginning, at: 'commit', attempt: state.attempt, done: state.done } as const
      return [step('looks back: lost', become({ ...again, known: newest(world), fresh: true }))]
    }
    if (outcome === 'committed') return [step('looks back: committed', acknowledge(world, { known: truth }))]
    if (outcome === 'unknown') return [step('looks back: unknown', end(world))]
    const catalogs = new Map([...world.catalogs].filter(([each]) => each !== version))
    return [step('looks back: fenced', giveUp({ ...world, catalogs }, true, { known: truth }))]
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

  function acknowledge(from: World, learnt: Partial<ActorState> = {}): Scene {
    const acknowledged = new Set(from.ghost.acknowledged)
    if (state.attempt !== undefined) acknowledged.add(state.attempt)
    const own = remembering({ ...state, ...learnt, at: 'clean up' })
    return { world: { ...from, ghost: { ...from.ghost, acknowledged } }, own }
  }

  function giveUp(from: World, isFenced: boolean, learnt: Partial<ActorState> = {}): Scene {
    const fenced = new Set(from.ghost.fenced)
    if (isFenced && state.attempt !== undefined) fenced.add(state.attempt)
    const toDelete = state.attempt === undefined ? [] : [state.attempt]
    const own = remembering({ ...state, ...learnt, at: 'clean up', toDelete })
    return { world: { ...from, ghost: { ...from.ghost, fenced } }, own }
  }

  /** A process that does not know what became of its commit does nothing more. */
  function end(from: World): Scene {
    return { world: from, own: { ...beginning, at: 'end', done: actor.operations.length } }
  }

  function remembering(next: ActorState): ActorState {
    return forgetful(next, actor.operations.length)
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

function created(world: World, catalog: WholeCatalog): Partial<World> {
  const catalogs = new Map([...world.catalogs, [catalog.version, catalog]])
  if (catalog.version <= world.ghost.line) return { catalogs }
  const dropped = new Set(world.ghost.dropped)
  const unprotected = new Set(world.ghost.unprotected)
  const before = newest(world)
  const losses = lossesOf(before)
  const best = Math.min(...losses.values())
  for (const { attempt } of catalog.history.at(-1)?.dropped ?? []) {
    dropped.add(attempt)
    const was = before.checkpoints.all.find((each) => each.attempt === attempt)
    if (was?.pinned !== undefined || losses.get(attempt) === best) unprotected.add(attempt)
  }
  return { catalogs, ghost: { ...world.ghost, dropped, unprotected, line: catalog.version } }
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
    keeping: actor.keeping ?? keepsAll,
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
    case 'pin':
      return { kind: 'pin', step: operation.step, pin: { at: time } }
    case 'attach':
      return { kind: 'attach', step: operation.step, metrics: { loss: operation.loss } }
    case 'raise floor':
      return { kind: 'raise floor', floor: known.version } // the most that any clock could justify
    case 'take over':
      return { kind: 'take over' }
    case 'sweep':
      throw new Error('A sweep commits nothing')
  }
}

export function entryOf(
  step: number,
  attempt: AttemptId | undefined,
  metrics: CatalogEntry['metrics'] = {},
): CatalogEntry {
  if (attempt === undefined) throw new Error('A save is committed after its bytes are put')
  return {
    step,
    attempt,
    manifest: { sha256: '0'.repeat(64), size: 1 },
    fileCount: 1,
    bytes: 1,
    savedAt: time,
    order: { segment: 0, base: partsOfAttempt(attempt).base },
    metrics,
    tags: [],
  }
}

export function attemptOf(index: number, operation: number, step: number, known: WholeCatalog): AttemptId {
  return newAttemptId(step, known.version, `${index}${operation}`.padStart(16, '0'))
}
