import { parse, View } from 'vega'
import { compile, type TopLevelSpec } from 'vega-lite'
import type { HeadlineRow } from './headlines.ts'

interface Bar {
  readonly row: string
  readonly measured: string
  readonly ratio: number
  readonly goal: number | null
}

/** The ratios that the axis shows. Others are drawn at its ends. */
const shown = [0.1, 10]

const [time, processor] = ['time', 'processor time'] as const

/** Draws the ratios of the first table as SVG. A tick marks each goal, and the line at 1 the peer. */
export async function chartOf(rows: readonly HeadlineRow[]): Promise<string> {
  const bars = rows.flatMap((each): readonly Bar[] => {
    const row = `${each.question}, ${each.place}`
    return [
      { row, measured: time, verdict: each.time },
      { row, measured: processor, verdict: each.processor },
    ].flatMap(({ verdict, ...bar }) =>
      verdict === undefined ? [] : [{ ...bar, ratio: verdict.value, goal: verdict.atMost ?? null }],
    )
  })
  const view = new View(parse(compile(specification(bars)).spec), { renderer: 'none' })
  try {
    return `${await view.toSVG()}\n`
  } finally {
    view.finalize()
  }
}

function specification(bars: readonly Bar[]): TopLevelSpec {
  const y = { field: 'row', type: 'nominal' as const, sort: null, title: null, axis: { labelLimit: 300 } }
  const yOffset = { field: 'measured', type: 'nominal' as const, sort: [time, processor] }
  const x = {
    type: 'quantitative' as const,
    scale: { type: 'log' as const, domain: shown, clamp: true },
    axis: { values: [0.1, 0.2, 0.5, 1, 2, 5, 10], format: '~g', grid: true },
    title: 'Holdfast / peer (less is better)',
  }
  const color = {
    field: 'measured',
    type: 'nominal' as const,
    title: null,
    sort: [time, processor],
    scale: { domain: [time, processor], range: ['#1f6feb', '#9a6700'] },
    legend: { orient: 'top' as const },
  }
  return {
    background: 'white',
    padding: 12,
    width: 460,
    height: { step: 14 },
    data: { values: [...bars] },
    layer: [
      { mark: { type: 'rule', color: '#57606a' }, encoding: { x: { datum: 1, ...x } } },
      {
        mark: { type: 'circle', size: 60, opacity: 1 },
        encoding: { x: { field: 'ratio', ...x }, y, yOffset, color },
      },
      {
        transform: [{ filter: 'isValid(datum.goal)' }],
        mark: { type: 'tick', thickness: 2, size: 11 },
        encoding: { x: { field: 'goal', ...x }, y, yOffset, color },
      },
    ],
  }
}
