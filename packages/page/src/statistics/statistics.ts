import type { JudgedCheckpoint } from '@holdfast/core'

type Measured = Pick<JudgedCheckpoint, 'bytes' | 'savedAt' | 'keptBecause' | 'bestOf' | 'pinned'>

/** What one reason keeps. A checkpoint with several reasons counts for each of them. */
export interface ReasonStatistics {
  readonly reason: string
  readonly checkpoints: number
  readonly bytes: number
  /** The bytes that only this reason keeps: what would be dropped without it. */
  readonly bytesAlone: number
}

const noReason = 'no reason'

/** Returns what each reason keeps, the most bytes first. */
export function bytesByReason(checkpoints: readonly Measured[]): readonly ReasonStatistics[] {
  const found = new Map<string, { checkpoints: number; bytes: number; bytesAlone: number }>()
  for (const checkpoint of checkpoints) {
    const reasons = reasonsOf(checkpoint)
    for (const reason of reasons) {
      const sum = found.get(reason) ?? { checkpoints: 0, bytes: 0, bytesAlone: 0 }
      sum.checkpoints += 1
      sum.bytes += checkpoint.bytes
      if (reasons.length === 1) sum.bytesAlone += checkpoint.bytes
      found.set(reason, sum)
    }
  }
  return [...found]
    .map(([reason, sum]) => ({ reason, ...sum }))
    .sort((one, other) => other.bytes - one.bytes || (one.reason < other.reason ? -1 : 1))
}

/** The reason of a pin is a sentence of its own, so all pins are one reason. */
function reasonsOf({ keptBecause, bestOf, pinned }: Measured): readonly string[] {
  const isPin = (reason: string): boolean => pinned !== undefined && reason.startsWith('pinned')
  if (keptBecause.length > 0)
    return [...new Set(keptBecause.map((reason) => (isPin(reason) ? 'pinned' : reason)))]
  const marks = [...bestOf.map((name) => `best ${name}`), ...(pinned === undefined ? [] : ['pinned'])]
  return marks.length > 0 ? marks : [noReason]
}

/** Milliseconds below which no growth is estimated. */
const leastSpan = 60_000

const day = 86_400_000

/**
 * Returns by how many bytes a store grows in a day, by the rate of the checkpoints that it has now; `undefined` if they
 * are fewer than three or were saved within a minute. If a retention is in force, only those count that stay for good:
 * kept by an interval, a tag or a pin. Others are replaced by later ones.
 */
export function bytesPerDay(checkpoints: readonly Measured[]): number | undefined {
  const times = checkpoints.map(({ savedAt }) => savedAt.getTime())
  const first = times.reduce((least, time) => Math.min(least, time), Infinity)
  const last = times.reduce((most, time) => Math.max(most, time), -Infinity)
  if (checkpoints.length < 3 || last - first < leastSpan) return undefined
  const hasRetention = checkpoints.some(({ keptBecause }) => keptBecause.length > 0)
  const lasting = checkpoints.filter((checkpoint) => !hasRetention || staysForGood(checkpoint))
  // The first checkpoint is the beginning of the span, not growth within it.
  const bytes = lasting
    .filter(({ savedAt }) => savedAt.getTime() > first)
    .reduce((sum, each) => sum + each.bytes, 0)
  return (bytes * day) / (last - first)
}

function staysForGood({ keptBecause, pinned }: Measured): boolean {
  return pinned !== undefined || keptBecause.some((reason) => /^(every \d|one per |#)/.test(reason))
}

/** Returns when the space is used up at a rate of growth; `undefined` if it is not. */
export function fullAt(available: number, growth: number | undefined, now: Date): Date | undefined {
  if (growth === undefined || growth <= 0) return undefined
  const time = now.getTime() + (available / growth) * day
  return time <= 8.64e15 ? new Date(time) : undefined
}
