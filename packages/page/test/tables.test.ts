import { describe, expect, test } from 'vitest'
import { fragmentOf, pathOf, placeOf } from '../app/address.ts'
import { columnsOf } from '../app/columns.ts'
import { matching, sorted } from '../app/choose-runs.ts'
import { concernsOf, needsAttention } from '../app/concerns.ts'
import { pathOfCurve } from '../app/curve.ts'
import { monthlyCost } from '../app/monthly-cost.ts'
import { formatDuration } from '../app/text.ts'
import { marksToDraw, timelineOf } from '../app/times.ts'
import type { PageRun } from '../src/index.ts'
import { samplePage, sampleRuns } from './samples.ts'

const day = 86_400_000
const facts = { state: 'readable', quarantined: 0, isComplete: true, best: [], curves: [] } as const

function run(name: string, savedAt: number | undefined, bytes = 1, isNeverPruned = false): PageRun {
  const latest = savedAt === undefined ? {} : { latest: { step: 1, savedAt } }
  return { ...facts, name, ...latest, bytes, checkpoints: 1, isNeverPruned }
}

const damaged: PageRun = { name: 'broken', state: 'damaged', problem: 'damaged' }

describe('the table of runs', () => {
  test('names what a run needs attention for', () => {
    expect(concernsOf(damaged, 0)).toEqual(['damaged'])
    expect(concernsOf({ ...damaged, state: 'unsupported' }, 0)).toEqual(['newer version'])
    expect(concernsOf(run('a', 0), 8 * day)).toEqual(['stale'])
    expect(concernsOf(run('a', 0, 1, true), 6 * day)).toEqual(['never pruned'])
    expect(
      concernsOf({ ...facts, name: 'a', bytes: 0, checkpoints: 0, isNeverPruned: false, quarantined: 2 }, 0),
    ).toEqual(['quarantined'])
  })

  test('does not count a run without a catalog as needing attention', () => {
    const starting: PageRun = { name: 'new', state: 'no catalog', problem: 'no catalog yet' }
    expect(concernsOf(starting, 0)).toEqual(['no catalog'])
    expect([starting, damaged, run('a', 0)].map((each) => needsAttention(each, 0))).toEqual([
      false,
      true,
      false,
    ])
  })

  test('finds runs by a part of their names and by any of several concerns', () => {
    const runs = [run('Pose-1', 0), run('pose-2', 9 * day), damaged]
    const found = (search: string, ...concerns: ('damaged' | 'stale')[]): readonly string[] =>
      matching(runs, { search, concerns: new Set(concerns) }, 10 * day).map(({ name }) => name)
    expect(found(' POSE ')).toEqual(['Pose-1', 'pose-2'])
    expect(found('', 'stale', 'damaged')).toEqual(['Pose-1', 'broken'])
    expect(found('2', 'stale')).toEqual([])
  })

  test('sorts by a value in either direction, with runs that lack it last', () => {
    const runs = [run('a', 5, 3), damaged, run('b', undefined, 2), run('c', 9, 1)]
    const order = (by: string, isDescending: boolean): string =>
      sorted(runs, { by, isDescending })
        .map(({ name }) => name[0])
        .join('')
    expect(order('saved', true).slice(0, 2)).toBe('ca')
    expect(order('saved', false).slice(0, 2)).toBe('ac')
    expect(order('size', false)).toBe('cbab')
    expect(order('name', true)).toBe('cbba')
    const { runs: many } = sampleRuns(40)
    const best = sorted(many, { by: 'best:loss', isDescending: false })
    expect(best.slice(-3).map(({ state }) => state)).toContain('damaged')
  })

  test('computes the price of a month by powers of 1000', () => {
    expect(monthlyCost(2e12, 0.023)).toBeCloseTo(46)
  })

  test('draws a small curve from the left to the right, and none of one value', () => {
    expect(pathOfCurve([1, 3, 2], 100, 20)).toBe('M0.0 20.0L50.0 0.0L100.0 10.0')
    expect(pathOfCurve([4, 4], 100, 20)).toBe('M0.0 10.0L100.0 10.0')
    expect(pathOfCurve([4], 100, 20)).toBeUndefined()
  })
})

describe('the address of a page', () => {
  test.each([
    { token: 'abc' },
    { token: 'abc', run: 'a/b & c?#ü' },
    { token: 'abc', run: '', checkpoint: 0, other: 12 },
  ])('names %j', (place) => {
    expect(placeOf(fragmentOf(place))).toEqual(place)
  })

  test('ignores steps that are not counts', () => {
    expect(placeOf('#abc?checkpoint=-1&with=1e3')).toEqual({ token: 'abc' })
    expect(pathOf('run', {})).toBe('/run')
    expect(pathOf('difference', { run: 'a b', checkpoint: 1, other: 2 })).toBe(
      '/difference?run=a+b&step=1&with=2',
    )
  })
})

describe('the timeline', () => {
  const saves = samplePage(500).checkpoints

  test('has saves with their rates, restores, and the pauses that are much longer than usual', () => {
    const timeline = timelineOf(saves)
    expect(timeline?.marks.filter(({ kind }) => kind === 'restore')).toMatchObject([{ step: 304 }])
    expect(timeline?.gaps).toMatchObject([{ before: 300, after: 305 }])
    expect(timeline?.usualPause).toBe(5 * 60_000)
    const [first] = timeline?.marks ?? []
    expect(first?.rate).toBeCloseTo((512e6 / (saves[0]?.saving ?? 1)) * 1000)
    expect(timelineOf([])).toBeUndefined()
  })

  test('draws the longest of many saves, and restores beside them', () => {
    const timeline = timelineOf(saves)
    if (timeline === undefined) throw new Error('There is no timeline.')
    const drawn = marksToDraw(timeline, 10)
    expect(drawn.length).toBeLessThanOrEqual(20)
    const longest = timeline.marks.toSorted((one, other) => other.to - other.from - (one.to - one.from))[0]
    expect(drawn).toContain(longest)
    expect(drawn.filter(({ kind }) => kind === 'save').length).toBeGreaterThan(5)
  })
})

test.each([
  [0, '0 ms'],
  [850, '850 ms'],
  [1500, '1.5 s'],
  [40_000, '40 s'],
  [180_000, '3 min'],
])('formats %i ms as %s', (milliseconds, text) => {
  expect(formatDuration(milliseconds)).toBe(text)
})

describe('the table of checkpoints', () => {
  test('shows a metric that is named like another column beside that column', () => {
    const metrics = {
      steps: [1],
      metrics: [
        { name: 'Rate', values: [0.5], notFinite: 0 },
        { name: 'Step', values: [7], notFinite: 0 },
      ],
      objectives: [],
      abandoned: [],
    }
    const [checkpoint] = samplePage(1).checkpoints
    if (checkpoint === undefined) throw new Error('The sample has no checkpoint.')
    const columns = columnsOf(metrics, true)
    expect(new Set(columns.map(({ key }) => key)).size).toBe(columns.length)
    const numbers = (title: string): readonly unknown[] =>
      columns.flatMap((column) =>
        column.title === title ? [column.numberOf({ ...checkpoint, step: 1, bytes: 8, saving: 2000 })] : [],
      )
    expect(numbers('Rate')).toEqual([4, 0.5])
    expect(numbers('Step')).toEqual([1, 7])
  })
})
