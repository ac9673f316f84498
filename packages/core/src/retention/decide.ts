import { formatSize } from '../space/index.ts'
import type { Candidate } from './checkpoint.ts'
import type { RetentionPlan } from './options.ts'
import { applyPolicies, type Policy, type Situation } from './policies.ts'

/** What becomes of one checkpoint, and every reason for it. */
export interface Decision {
  readonly step: number
  readonly kept: boolean
  /** Of a kept one, all that keeps it; of a dropped one, one sentence. */
  readonly because: readonly string[]
}

/** Room that is wanted beyond what the plan says. */
export interface RoomWanted {
  /** Bytes to be freed. */
  readonly bytes: number
  /** For what, as in `to make room for step 43`. */
  readonly because: string
}

/**
 * What to keep and what to drop, in the order of the steps. A checkpoint is kept if any policy keeps it, or there is
 * no policy at all; then limits evict the oldest first. Whatever `neverDropped` names is kept in any case.
 */
export function decideRetention(
  plan: RetentionPlan,
  situation: Situation,
  room?: RoomWanted,
): readonly Decision[] {
  const { checkpoints } = situation
  const never = neverDropped(situation)
  const policies = applyPolicies(plan, situation)
  const otherwise = policies.map((policy) => policy.otherwise).join(', ')
  const decisions = new Map(
    checkpoints.map(({ step }) => [step, decideOne(step, policies, never.get(step), otherwise)]),
  )
  for (const { step, because } of evictions(plan, situation, decisions, never, room)) {
    decisions.set(step, { step, kept: false, because: [because] })
  }
  return checkpoints.flatMap(({ step }) => decisions.get(step) ?? [])
}

/** By no policy and no limit: the newest, the pinned, the best of each objective, and what is in use. */
function neverDropped({ checkpoints, best }: Situation): ReadonlyMap<number, readonly string[]> {
  const reasons = new Map<number, string[]>()
  const add = (step: number | undefined, reason: string): void => {
    if (step === undefined) return
    const found = reasons.get(step) ?? []
    if (!found.includes(reason)) reasons.set(step, [...found, reason])
  }
  const newest = checkpoints.at(-1)
  const newestSaved = checkpoints.reduce<Candidate | undefined>(
    (latest, each) => (latest === undefined || each.savedAs >= latest.savedAs ? each : latest),
    undefined,
  )
  add(newest?.step, 'newest')
  add(newestSaved?.step, newestSaved === newest ? 'newest' : 'saved last')
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
  otherwise: string,
): Decision {
  if (never.length === 0 && policies.length > 0 && !policies.some(({ keeps }) => keeps.has(step)))
    return { step, kept: false, because: [otherwise] }
  const reasons = policies.flatMap(({ keeps }) => keeps.get(step)?.split(', ') ?? [])
  const because = [...new Set([...reasons, ...never])]
  // Where a policy keeps it, that it is the newest goes without saying.
  const said = reasons.length > 0 ? because.filter((reason) => reason !== 'newest') : because
  return { step, kept: true, because: said }
}

/** The oldest first, until each limit is met or only what is never dropped is left. */
function evictions(
  { maxBytes = Infinity, maxCount = Infinity }: RetentionPlan,
  { checkpoints }: Situation,
  decisions: ReadonlyMap<number, Decision>,
  never: ReadonlyMap<number, readonly string[]>,
  room: RoomWanted | undefined,
): readonly { readonly step: number; readonly because: string }[] {
  const kept = checkpoints.filter(({ step }) => decisions.get(step)?.kept === true)
  let count = kept.length
  let bytes = kept.reduce((sum, each) => sum + each.bytes, 0)
  const all = checkpoints.reduce((sum, each) => sum + each.bytes, 0)
  const evicted: { readonly step: number; readonly because: string }[] = []
  for (const { step, bytes: freed } of kept) {
    const because =
      bytes > maxBytes
        ? `over ${formatSize(maxBytes)} in all`
        : count > maxCount
          ? `over ${maxCount} in all`
          : room !== undefined && all - bytes < room.bytes
            ? room.because
            : undefined
    if (because === undefined) break
    if (never.has(step)) continue
    evicted.push({ step, because })
    bytes -= freed
    count -= 1
  }
  return evicted
}
