import type { PageCheckpoint } from '../src/run-page.ts'

/** One save or restore on the timeline. Times are milliseconds since 1970. */
export interface TimelineMark {
  readonly kind: 'save' | 'restore'
  readonly step: number
  readonly from: number
  /** The same as `from` if its duration is not known. */
  readonly to: number
  /** Bytes per second; absent if it is not known. */
  readonly rate?: number
}

/** A pause between two kept checkpoints that is much longer than usual. */
export interface TimelineGap {
  readonly from: number
  readonly to: number
  readonly before: number
  readonly after: number
}

export interface Timeline {
  readonly from: number
  readonly to: number
  /** In the order of their times. */
  readonly marks: readonly TimelineMark[]
  /** The longest ones, the longest first. */
  readonly gaps: readonly TimelineGap[]
  /** The usual pause between two kept checkpoints; absent if there are fewer than two. */
  readonly usualPause?: number
  /** The usual duration of a save in milliseconds, and its bytes per second. */
  readonly usualSave?: { readonly duration: number; readonly rate: number }
}

/** A pause is a gap if it is longer than the usual one by this factor. */
const gapFactor = 3
const mostGaps = 5

/** Returns when the kept checkpoints of a run were saved, and from which ones it was restored. */
export function timelineOf(checkpoints: readonly PageCheckpoint[]): Timeline | undefined {
  const saves = checkpoints.toSorted((one, other) => one.savedAt - other.savedAt)
  const [first] = saves
  if (first === undefined) return undefined
  const marks = saves.flatMap(marksOf).sort((one, other) => one.from - other.from)
  const from = marks[0]?.from ?? first.savedAt
  const to = marks.reduce((latest, mark) => Math.max(latest, mark.to), from)
  const pauses = saves.slice(1).map((save, index): TimelineGap => {
    const before = saves[index] ?? save
    return { from: before.savedAt, to: save.savedAt, before: before.step, after: save.step }
  })
  const usualPause = median(pauses.map((pause) => pause.to - pause.from))
  const timed = saves.flatMap(({ saving, bytes }) => (saving === undefined ? [] : [{ saving, bytes }]))
  const duration = median(timed.map(({ saving }) => saving))
  const rate = median(timed.flatMap(({ saving, bytes }) => rateOf(bytes, saving) ?? []))
  return {
    from,
    to,
    marks,
    gaps: pauses
      .filter((pause) => usualPause !== undefined && pause.to - pause.from > gapFactor * usualPause)
      .toSorted((one, other) => other.to - other.from - (one.to - one.from))
      .slice(0, mostGaps),
    ...(usualPause === undefined ? {} : { usualPause }),
    ...(duration === undefined || rate === undefined ? {} : { usualSave: { duration, rate } }),
  }
}

/** Bytes per second; `undefined` if the save took no measurable time. */
export function rateOf(bytes: number, saving: number | undefined): number | undefined {
  return saving === undefined || saving === 0 ? undefined : (bytes / saving) * 1000
}

/**
 * Returns the marks to draw in this number of columns: of several marks of one kind in one column the longest. So a run with 100,000
 * saves draws fast.
 */
export function marksToDraw({ marks, from, to }: Timeline, columns: number): readonly TimelineMark[] {
  const width = Math.max(1, to - from)
  const longest = new Map<string, TimelineMark>()
  for (const mark of marks) {
    const key = `${mark.kind} ${Math.floor(((mark.from - from) / width) * (columns - 1))}`
    const known = longest.get(key)
    if (known === undefined || mark.to - mark.from > known.to - known.from) longest.set(key, mark)
  }
  return [...longest.values()]
}

function marksOf({ step, savedAt, saving, bytes, restore }: PageCheckpoint): readonly TimelineMark[] {
  const rate = rateOf(bytes, saving)
  return [
    ...(restore === undefined
      ? []
      : [
          {
            kind: 'restore',
            step: restore.step,
            from: restore.at,
            to: restore.at + restore.duration,
          } as const,
        ]),
    {
      kind: 'save',
      step,
      from: savedAt,
      to: savedAt + (saving ?? 0),
      ...(rate === undefined ? {} : { rate }),
    },
  ]
}

function median(numbers: readonly number[]): number | undefined {
  const sorted = numbers.toSorted((one, other) => one - other)
  return sorted[sorted.length >> 1]
}
