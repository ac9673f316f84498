import type { RunPage } from '../src/run-page.ts'

export interface ReasonSum {
  readonly reason: string
  readonly bytes: number
  readonly number: number
}

/** Sums up the sizes of checkpoints by the first reason for which each is kept, the largest first. */
export function sizesByReason({
  checkpoints,
  abandoned,
  hasRetention,
}: Pick<RunPage, 'checkpoints' | 'abandoned' | 'hasRetention'>): readonly ReasonSum[] {
  const sums = new Map<string, { bytes: number; number: number }>()
  const all = [
    ...checkpoints.map((each) => ({ ...each, other: hasRetention ? 'nothing' : 'no retention' })),
    ...abandoned.map((each) => ({ ...each, other: 'abandoned by a rewind' })),
  ]
  for (const { kept, bytes, other } of all) {
    const reason = kept?.[0] ?? other
    const sum = sums.get(reason) ?? { bytes: 0, number: 0 }
    sums.set(reason, { bytes: sum.bytes + bytes, number: sum.number + 1 })
  }
  return [...sums]
    .map(([reason, sum]) => ({ reason, ...sum }))
    .toSorted((one, other) => other.bytes - one.bytes)
}
