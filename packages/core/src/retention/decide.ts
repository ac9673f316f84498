import { compareSaves, latestOf } from '../order-key.ts'
import { formatSize, FreedSpace, type HeldSpace } from '../space/index.ts'
import type { Candidate } from './checkpoint.ts'
import type { RetentionPlan } from './options.ts'
import { applyPolicies, type Policy, type Situation } from './policies.ts'

/** The decision about one checkpoint, with reasons. */
export interface Decision {
  readonly step: number
  readonly kept: boolean
  /** All reasons to keep it, or one sentence that states why it is dropped. */
  readonly because: readonly string[]
}

/** The space to free in addition to what the plan frees. */
export interface RoomWanted {
  /** The number of bytes to free. */
  readonly bytes: number
  /** The number of inodes to free. Default: 0. */
  readonly inodes?: number | undefined
  /** What each checkpoint uses that is not listed, such as an abandoned one. Space that it shares does not become free. */
  readonly alsoHeld?: readonly (readonly HeldSpace[])[] | undefined
  /** Those of `alsoHeld` that are dropped as well. Their space becomes free before a limit drops a listed checkpoint. */
  readonly alsoFreed?: readonly (readonly HeldSpace[])[] | undefined
  /** The purpose, for example `to make room for step 43`. */
  readonly because: string
}

/**
 * Decides which checkpoints to keep and which to drop, in the order of their steps. Keeps a checkpoint if any policy keeps it
 * or if there is no policy, and while it waits to be mirrored. Then limits evict the oldest first, and those that wait after
 * all others. Always keeps what `neverDropped` returns.
 */
export function decideRetention(
  plan: RetentionPlan,
  situation: Situation,
  room?: RoomWanted,
): readonly Decision[] {
  const { checkpoints } = situation
  const never = neverDropped(situation)
  const policies = applyPolicies(plan, situation)
  const otherwise = [policies.map((policy) => policy.otherwise).join(', ')]
  const decisions = checkpoints.map(({ step, waiting }) =>
    keptWhile(waiting, decideOne(step, policies, never.get(step), otherwise)),
  )
  const evicted = evictions(plan, situation, decisions, never, room)
  if (evicted.size === 0) return decisions
  return decisions.map((decision) => {
    const because = evicted.get(decision.step)
    return because === undefined ? decision : { step: decision.step, kept: false, because: [because] }
  })
}

/** Returns the checkpoints that no policy or limit drops: the latest, the pinned and the best, and those in use. */
function neverDropped({ checkpoints, best }: Situation): ReadonlyMap<number, readonly string[]> {
  const reasons = new Map<number, string[]>()
  const add = (step: number | undefined, reason: string): void => {
    if (step === undefined) return
    const found = reasons.get(step) ?? []
    if (!found.includes(reason)) reasons.set(step, [...found, reason])
  }
  add(latestOf(checkpoints)?.step, 'latest')
  for (const [name, steps] of best) for (const step of steps) add(step, `best ${name}`)
  for (const { step, pinned, inUse } of checkpoints) {
    if (pinned !== undefined) add(step, pinned)
    if (inUse !== undefined) add(step, inUse)
  }
  return reasons
}

function decideOne(
  step: number,
  policies: readonly Policy[],
  never: readonly string[] = [],
  otherwise: readonly string[],
): Decision {
  if (!policies.some(({ keeps }) => keeps.has(step))) {
    const isKept = never.length > 0 || policies.length === 0
    return isKept ? { step, kept: true, because: never } : { step, kept: false, because: otherwise }
  }
  const reasons = policies.flatMap(({ keeps }) => keeps.get(step) ?? [])
  // If a policy keeps it, the reason that it is the latest is omitted.
  const others = never.filter((reason) => reason !== 'latest')
  return { step, kept: true, because: [...new Set([...reasons, ...others])] }
}

function keptWhile(waiting: string | undefined, decision: Decision): Decision {
  if (waiting === undefined || decision.kept) return decision
  return { step: decision.step, kept: true, because: [waiting] }
}

/**
 * Evicts the oldest checkpoints until every limit is met or no other checkpoint may be dropped. Returns the reasons by
 * step.
 */
function evictions(
  { maxBytes = Infinity, maxCount = Infinity }: RetentionPlan,
  { checkpoints }: Situation,
  decisions: readonly Decision[],
  never: ReadonlyMap<number, readonly string[]>,
  room: RoomWanted | undefined,
): ReadonlyMap<number, string> {
  const kept = checkpoints.filter((_, place) => decisions[place]?.kept === true)
  let count = kept.length
  let bytes = sumOf(kept, (each) => each.bytes)
  const freed = new FreedSpace([...checkpoints.map(({ holds }) => holds), ...(room?.alsoHeld ?? [])])
  for (const holds of room?.alsoFreed ?? []) freed.delete(holds)
  // Checkpoints that the policies drop also free space.
  for (const [place, { holds }] of checkpoints.entries())
    if (decisions[place]?.kept !== true) freed.delete(holds)
  const evicted = new Map<number, string>()
  const oldestFirst = kept.toSorted(compareSaves)
  const isWaiting = ({ waiting }: Candidate): boolean => waiting !== undefined
  for (const checkpoint of [
    ...oldestFirst.filter((each) => !isWaiting(each)),
    ...oldestFirst.filter(isWaiting),
  ]) {
    const lacksRoom = room !== undefined && (freed.bytes < room.bytes || freed.inodes < (room.inodes ?? 0))
    const because =
      bytes > maxBytes
        ? `over ${formatSize(maxBytes)} in all`
        : count > maxCount
          ? `over ${maxCount} in all`
          : lacksRoom
            ? room.because
            : undefined
    if (because === undefined) break
    if (never.has(checkpoint.step)) continue
    evicted.set(checkpoint.step, because)
    bytes -= checkpoint.bytes
    count -= 1
    freed.delete(checkpoint.holds)
  }
  return evicted
}

function sumOf(checkpoints: readonly Candidate[], sizeOf: (checkpoint: Candidate) => number): number {
  return checkpoints.reduce((sum, each) => sum + sizeOf(each), 0)
}
