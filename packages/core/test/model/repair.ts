import type { Change } from '../../src/catalog/commit/changes/index.ts'
import { type AttemptId, attemptPrefix, partsOfAttempt } from '../../src/catalog/documents/index.ts'
import { noCatalog, type WholeCatalog } from '../../src/catalog/pages/index.ts'
import { entryOf } from './entries.ts'
import type { Protocol } from './protocol.ts'
import { type ActorState, fence, hasGap, type Scene, type World } from './world.ts'

/** The distance of a fence from every version that an object names. No actor commits this many versions. */
const margin = 1000

type Become = (next: Partial<ActorState>, changes?: Partial<World>) => Scene

/** The steps of a repair before its commit, each with one read or one request. */
export function repairSteps(
  world: World,
  state: ActorState,
  protocol: Protocol,
  become: Become,
): readonly { readonly what: string; readonly next: Scene }[] {
  if (state.at === 'begin') {
    const next = become({ at: 'fence', known: newestReadable(world), follows: newestVersion(world) })
    return [{ what: 'goes down to the newest version that it can read', next }]
  }
  if (state.at === 'fence') return fenceSteps(world, state, protocol, become)
  const wholes = state.known === undefined ? [] : unlistedWholes(world, state.known, protocol)
  const isSound = state.known?.version === state.follows
  if (wholes.length === 0 && isSound)
    return [{ what: 'finds nothing to do', next: become({ at: 'clean up', toDelete: [] }) }]
  return [{ what: `finds ${wholes.length} unlisted and whole`, next: become({ at: 'commit', wholes }) }]
}

function fenceSteps(
  world: World,
  state: ActorState,
  protocol: Protocol,
  become: Become,
): ReturnType<typeof repairSteps> {
  const { known, follows = 0 } = state
  const bases = [...world.data].map((attempt) => partsOfAttempt(attempt).base)
  const isBroken = known?.version === follows && hasGap(world, known)
  const named = Math.max(isBroken ? follows + 1 : 0, ...bases)
  if (named <= follows) return [{ what: 'finds no version lost', next: become({ at: 'find' }) }]
  if (newestVersion(world) >= named)
    return [{ what: 'finds that others went on', next: become({ at: 'begin' }) }]
  if (protocol.rebuildsWithoutFence)
    return [{ what: 'builds no fence', next: become({ at: 'find', follows: named }) }]
  const number = named + margin
  const catalogs = new Map([...world.catalogs, [number, fence] as const])
  const ghost = { ...world.ghost, line: Math.max(world.ghost.line, number) }
  return [{ what: `creates the fence ${number}`, next: become({ at: 'begin' }, { catalogs, ghost }) }]
}

function newestVersion(world: World): number {
  return Math.max(0, ...world.catalogs.keys())
}

function newestReadable(world: World): WholeCatalog {
  const readable = [...world.catalogs.values()].filter((document) => document !== fence)
  return readable.reduce((one, other) => (other.version > one.version ? other : one), noCatalog)
}

function unlistedWholes(world: World, known: WholeCatalog, protocol: Protocol): readonly AttemptId[] {
  const listed = protocol.keptBy(known)
  return [...world.data]
    .filter((attempt) => !listed.has(attempt) && !protocol.isDead(known, `${attemptPrefix(attempt)}file`))
    .sort()
}

/** If an undamaged catalog lists one of two attempts at a step, that one stays. Otherwise the later one is listed. */
export function rebuildOf(known: WholeCatalog, { wholes = [], follows }: ActorState): Change {
  const isSound = known.version === follows
  const bySteps = new Map(known.checkpoints.all.map((entry) => [entry.step, entry]))
  for (const attempt of wholes) {
    const { step, base } = partsOfAttempt(attempt)
    const rival = bySteps.get(step)
    const wins = rival === undefined || (!isSound && base > partsOfAttempt(rival.attempt).base)
    if (wins) bySteps.set(step, { ...entryOf(step, attempt), recovered: true })
  }
  const checkpoints = [...bySteps.values()].sort((one, other) => one.step - other.step)
  return { kind: 'rebuild', checkpoints, quarantined: known.quarantined, dropped: [] }
}
