import { keepsAll } from '../../src/catalog/judging/keeping.ts'
import { nextCatalog, type Writer, type WriterMode } from '../../src/catalog/commit/rules/index.ts'
import { newAttemptId } from '../../src/catalog/documents/index.ts'
import { noCatalog, type WholeCatalog } from '../../src/catalog/pages/index.ts'
import { beginning } from './actors.ts'
import { entryOf } from './entries.ts'
import { type Actor, lowestLoss, type Operation } from './operations.ts'
import { lost, type State } from './world.ts'

export interface Scenario {
  readonly name: string
  readonly actors: readonly Actor[]
  readonly initial: State
}

function actor(name: string, mode: WriterMode, ...operations: readonly Operation[]): Actor {
  return { name, writer: { id: name, name, mode }, operations }
}

const save = (step: number, onExisting: 'fail' | 'replace' = 'fail'): Operation => ({
  kind: 'save',
  step,
  onExisting,
})

/** A store with the saved steps 0 and 1 and their losses. A writer may own it. */
function begin(actors: readonly Actor[], owner?: Writer, losses: readonly number[] = []): State {
  const past: Writer = { id: 'past', name: 'past', mode: 'shared' }
  let catalog: WholeCatalog = noCatalog
  const data = new Set<ReturnType<typeof newAttemptId>>()
  for (const step of [0, 1]) {
    const attempt = newAttemptId(step, catalog.version, 'f'.repeat(16))
    catalog = commit(
      catalog,
      past,
      { kind: 'save', entry: entryOf(step, attempt, lossOf(losses[step])), onExisting: 'fail' },
      `past ${step}`,
    )
    data.add(attempt)
  }
  if (owner !== undefined) catalog = commit(catalog, owner, { kind: 'take over' }, 'past owner')
  else catalog = { ...catalog, floor: catalog.version } // the older versions are swept
  return {
    world: {
      catalogs: new Map([[catalog.version, catalog]]),
      data,
      ghost: {
        acknowledged: new Set(data),
        refused: new Set(),
        dropped: new Set(),
        unprotected: new Set(),
        later: new Set(),
        overwritten: new Set(),
        left: new Set(),
        revived: new Set(),
        trespassing: new Set(),
        isLost: false,
        line: catalog.version,
        truth: catalog,
      },
    },
    actors: actors.map((each) => {
      const isRunning = each.isRunning === true || each.writer === owner
      return { ...beginning, known: isRunning ? catalog : undefined }
    }),
  }
}

function lossOf(loss: number | undefined): ReturnType<typeof entryOf>['metrics'] {
  return loss === undefined ? {} : { loss }
}

function commit(
  newest: WholeCatalog,
  writer: Writer,
  change: Parameters<typeof nextCatalog>[1]['change'],
  commitId: string,
): WholeCatalog {
  const verdict = nextCatalog(newest, {
    writer,
    change,
    commitId,
    keeping: keepsAll,
    at: '2026-01-01T00:00:00.000Z',
  })
  if (verdict.kind !== 'next') throw new Error(`The scenario cannot begin: ${verdict.kind}`)
  return verdict.catalog
}

const sharedActors: readonly Actor[] = [
  actor('writer A', 'shared', save(2)),
  actor('writer B', 'shared', save(1, 'replace')),
  actor('pruner', 'shared', { kind: 'delete', step: 0 }),
  actor('sweeper', 'shared', { kind: 'raise floor' }, { kind: 'sweep' }),
  actor('taker-over', 'shared', { kind: 'take over' }),
]

const owner = actor('owner', 'exclusive', save(2), { kind: 'delete', step: 0 })
const exclusiveActors: readonly Actor[] = [
  owner,
  actor('taker-over', 'exclusive', { kind: 'take over' }, save(2), { kind: 'sweep' }),
  actor('bystander', 'shared', save(1, 'replace')),
  actor('sweeper', 'shared', { kind: 'sweep' }),
]

const takeOver: Operation = { kind: 'take over' }
const sweep: Operation = { kind: 'sweep' }
const sleepyActors: readonly Actor[] = [
  actor('sleeper A', 'shared', save(2)),
  actor('sleeper B', 'shared', save(3)),
  actor('taker-over', 'shared', takeOver, takeOver, sweep, takeOver, sweep),
]

const keepingActors: readonly Actor[] = [
  { ...actor('deleter', 'shared', { kind: 'delete', step: 0 }), keeping: lowestLoss },
  { ...actor('evaluator', 'shared', { kind: 'attach', step: 0, loss: 1 }), keeping: lowestLoss },
  { ...actor('replacer', 'shared', save(1, 'replace')), keeping: lowestLoss },
  actor('pinner', 'shared', { kind: 'pin', step: 1 }),
]

const liedTo: readonly Actor[] = [
  { ...actor('writer A', 'shared', save(2)), isLiedTo: true },
  { ...actor('writer B', 'shared', save(3)), isLiedTo: true },
  { ...actor('pruner', 'shared', { kind: 'delete', step: 0 }), isLiedTo: true },
  actor('taker-over', 'shared', takeOver, sweep),
]

const repair: Operation = { kind: 'repair' }
const failingActors: readonly Actor[] = [
  actor('failing writer', 'shared', { kind: 'failing save', step: 2 }),
  actor('repairer', 'shared', repair),
  actor('writer', 'shared', save(2)),
  actor('taker-over', 'shared', takeOver, sweep),
]

const losingActors: readonly Actor[] = [
  { ...actor('writer', 'shared', save(2)), isRunning: true },
  { ...actor('pruner', 'shared', { kind: 'delete', step: 0 }), isRunning: true },
  actor('repairer after an accident', 'shared', { kind: 'lose the catalog' }, repair),
  actor('newcomer', 'shared', save(3)),
]

const droppingActors: readonly Actor[] = [
  {
    ...actor('writer with a retention', 'shared', save(2)),
    keeping: { ...keepsAll, retention: { keepLast: 2 } },
    isRunning: true,
  },
  actor('repairer after an accident', 'shared', { kind: 'lose the catalog' }, repair),
  actor('pruner', 'shared', { kind: 'delete', step: 2 }),
  actor('newcomer', 'shared', save(3)),
]

const unawareOwner = actor('owner that does not know', 'exclusive', save(2), { kind: 'raise floor' }, sweep)
const unawareActors: readonly Actor[] = [
  unawareOwner,
  actor('repairer', 'shared', repair),
  actor('late taker-over', 'shared', takeOver, save(4), sweep),
  actor('newcomer', 'exclusive', takeOver, sweep),
]

/** Another writer took the store over, saved step 3 and ended. The owner before does not know it. Then the catalog was lost. */
function beginUnaware(actors: readonly Actor[], owner: Writer): State {
  const { world, actors: owns } = begin(actors, owner)
  const other: Writer = { id: 'other', name: 'other', mode: 'exclusive' }
  const taken = commit(world.ghost.truth, other, { kind: 'take over' }, 'other took over')
  const attempt = newAttemptId(3, taken.version, 'e'.repeat(16))
  const change = { kind: 'save', entry: entryOf(3, attempt), onExisting: 'fail' } as const
  const truth = commit(taken, other, change, 'other saved')
  const acknowledged = new Set([...world.ghost.acknowledged, attempt])
  const before = { ...world, data: acknowledged, ghost: { ...world.ghost, acknowledged, truth } }
  return { world: { ...before, ...lost(before) }, actors: owns }
}

function ofJob(name: string, ...operations: readonly Operation[]): Actor {
  return { name, writer: { id: name, name, mode: 'exclusive', job: 'job' }, operations }
}

const join: Operation = { kind: 'join the job' }
const jobActors: readonly Actor[] = [
  ofJob('first command of the job', join, save(2)),
  ofJob('second command of the job', join, sweep, save(3)),
  ofJob('evaluator of the job', { kind: 'delete', step: 0 }),
]

const returning: readonly Actor[] = [
  { ...actor('run', 'shared', save(3), save(2)), isRunning: true },
  actor('replacer', 'shared', save(3, 'replace')),
  actor('rewinder', 'shared', { kind: 'rewind', step: 1 }, save(3)),
  actor('taker-over', 'shared', takeOver, sweep),
]

const remove = (step: number): Operation => ({ kind: 'remove', step })
const undo = (step: number): Operation => ({ kind: 'undo', step })
const forget: Operation = { kind: 'forget removed' }
const undoingActors: readonly Actor[] = [
  actor('remover', 'shared', remove(0), undo(0)),
  actor('writer', 'shared', save(0)),
  actor('one that ends undos', 'shared', forget, takeOver, sweep),
]

const undoingAndReturning: readonly Actor[] = [
  actor('remover', 'shared', remove(1), undo(1)),
  actor('rewinder', 'shared', { kind: 'rewind', step: 0 }, save(1)),
  actor('repairer', 'shared', repair),
  actor('one that ends undos', 'shared', forget, sweep),
]

const undoingAndLosing: readonly Actor[] = [
  { ...actor('remover', 'shared', remove(0)), isRunning: true },
  { ...actor('undoer', 'shared', undo(0)), isRunning: true },
  { ...actor('one that ends undos', 'shared', forget), isRunning: true },
  actor('repairer after an accident', 'shared', { kind: 'lose the catalog' }, repair),
]

/** The smallest first. */
export const scenarios: readonly Scenario[] = [
  {
    name: 'a deleter and a replacer beside one that pins and one that attaches the best loss',
    actors: keepingActors,
    initial: begin(keepingActors, undefined, [3, 2]),
  },
  {
    name: 'three writers that are told of commits that the store never made, and one that takes over and sweeps',
    actors: liedTo,
    initial: begin(liedTo),
  },
  {
    name: 'a run that goes back, one that replaces its step, one that rewinds and saves, and one that takes over and sweeps',
    actors: returning,
    initial: begin(returning),
  },
  {
    name: 'one that removes and undoes, a writer of the same step, and one that ends undos, takes over and sweeps',
    actors: undoingActors,
    initial: begin(undoingActors),
  },
  {
    name: 'one that removes and undoes, one that rewinds, a repair, and one that ends undos',
    actors: undoingAndReturning,
    initial: begin(undoingAndReturning),
  },
  {
    name: 'one that removes, one that undoes, and one that ends undos, while the catalog is lost and rebuilt',
    actors: undoingAndLosing,
    initial: begin(undoingAndLosing),
  },
  {
    name: 'two shared writers, a pruner, a sweeper and a taker-over',
    actors: sharedActors,
    initial: begin(sharedActors),
  },
  {
    name: 'an owner, another that takes over, a shared writer and a sweeper',
    actors: exclusiveActors,
    initial: begin(exclusiveActors, owner.writer),
  },
  {
    name: 'two sleepers, and one that takes over and sweeps again and again',
    actors: sleepyActors,
    initial: begin(sleepyActors),
  },
  {
    name: 'two commands of a job that save one after the other, and a third that deletes',
    actors: jobActors,
    initial: begin(jobActors),
  },
  {
    name: 'a save that fails, a repair, a writer of the same step, and one that takes over and sweeps',
    actors: failingActors,
    initial: begin(failingActors),
  },
  {
    name: 'writers that run while the catalog is lost and rebuilt, and one that comes then',
    actors: losingActors,
    initial: begin(losingActors),
  },
  {
    name: 'a save that drops another one, and a pruner and a writer that come while the catalog is lost and rebuilt',
    actors: droppingActors,
    initial: begin(droppingActors),
  },
  {
    name: 'an owner that sweeps and does not know of the save of another one, after the catalog was lost',
    actors: unawareActors,
    initial: beginUnaware(unawareActors, unawareOwner.writer),
  },
]
