import { formatSize, type ReadableRun, type RunSummary } from '@holdfast/core'
import { isNeverPruned } from '@holdfast/page/analysis'
import { defineCommand } from '../declare/command.ts'
import { argument, flag, option, text } from '../declare/declaration.ts'
import { shellQuoted, withHint } from '../output/hints.ts'
import { Printer } from '../output/printer.ts'
import { type Column, fitTable } from '../output/table.ts'
import { count, formatAge, formatMetric, joined } from '../output/text.ts'
import { ownMember } from '../own-member.ts'
import { price } from '../parsing/quantities.ts'
import { exitCodeFor, faultOf, locationOf, refuseStoreOptions, runsBelow } from '../runs/runs-below.ts'
import { parseCondition, satisfies } from '../selection/condition.ts'
import { assertKnown, type Fields } from '../selection/fields.ts'
import { sortedBy } from '../selection/order.ts'

const runFields = ['latest', 'age', 'checkpoints', 'size', 'quarantined']

export const runs = defineCommand({
  example: 'holdfast runs . --sort age',
  arguments: [argument('<prefix>', 'path or URL below which the runs lie', text)],
  options: {
    where: option(
      '<condition>',
      'list only those that satisfy it, such as "size > 10 GB" or "best:loss < 0.2"; may be repeated',
      parseCondition,
    ),
    sort: option(
      '<field>',
      'sort by latest, age, checkpoints, size, quarantined or best:OBJECTIVE, the lowest first',
      text,
    ),
    reverse: flag('reverse the order'),
    exact: flag('read every catalog completely; a run with many checkpoints takes more requests'),
    price: option('<amount>', 'price of one GB (10^9 bytes) for a month, to show what each run costs', price),
  },
  run: async ({ arguments: [prefix], options, signal }) => {
    const { json = false, where = [], sort, reverse = false, price: pricePerMonth, exact } = options
    refuseStoreOptions(options, 'runs')
    const printer = new Printer(json)
    const all = await runsBelow(prefix, options, printer, { signal, exact })
    const now = new Date()
    const fields = new Map(all.map((run) => [run, fieldsOf(run, now)]))
    for (const name of [...where.map(({ field }) => field), ...(sort === undefined ? [] : [sort])])
      assertKnown(name, [...fields.values()], runFields)
    const chosen = all.filter((run) => satisfies(fields.get(run) ?? new Map(), where))
    const sorted =
      sort === undefined
        ? reverse
          ? chosen.toReversed()
          : chosen
        : sortedBy(chosen, (run) => fields.get(run)?.get(sort), reverse)
    const readable = sorted.filter((run) => run.state === 'readable')
    const bytes = readable.reduce((sum, run) => sum + run.bytes, 0)
    const checkpoints = readable.reduce((sum, run) => sum + run.checkpoints, 0)
    const isComplete = readable.every((run) => run.isComplete)
    if (all.length === 0) printer.line(`No run below ${prefix}. A run is a folder into which holdfast saves.`)
    else if (!printer.json) {
      if (sorted.length > 0) printer.lines((await table(prefix, sorted, now, pricePerMonth)).text)
      const number =
        sorted.length === all.length
          ? count(all.length, 'run')
          : `${sorted.length} of ${count(all.length, 'run')}`
      printer.line(
        joined(
          number,
          count(checkpoints, 'checkpoint'),
          sizeText(bytes, isComplete),
          pricePerMonth !== undefined && `${costText(bytes, isComplete, pricePerMonth)} a month`,
        ),
      )
      if (!isComplete)
        printer.line(
          'Runs with ≥ have more checkpoints than their newest catalog lists. Pass --exact to read all.',
        )
    }
    for (const run of sorted) printer.data({ type: 'run', ...jsonOf(run, pricePerMonth) })
    printer.data({ type: 'result', command: 'runs', runs: sorted.length, checkpoints, bytes, isComplete })
    return exitCodeFor(sorted)
  },
})

function jsonOf(run: RunSummary, perMonth: number | undefined): Readonly<Record<string, unknown>> {
  if (run.state !== 'readable') {
    const { error, ...others } = run
    return { ...others, code: error.code, message: withHint(error) }
  }
  const { recentMetrics: _, ...shown } = run
  return { ...shown, ...(perMonth === undefined ? {} : { monthlyCost: costOf(run.bytes, perMonth) }) }
}

/** Sizes are in bytes, and ages in seconds. */
function fieldsOf(run: RunSummary, now: Date): Fields {
  if (run.state !== 'readable') return new Map()
  const { latest, checkpoints, bytes, quarantined, best } = run
  return new Map<string, number>([
    ...(latest === undefined
      ? []
      : ([
          ['latest', latest.step],
          ['age', (now.getTime() - latest.savedAt.getTime()) / 1000],
        ] as const)),
    ['checkpoints', checkpoints],
    ['size', bytes],
    ['quarantined', quarantined],
    ...Object.entries(best).map(([name, { value }]): [string, number] => [`best:${name}`, value]),
  ])
}

async function table(
  prefix: string,
  listed: readonly RunSummary[],
  now: Date,
  perMonth: number | undefined,
): ReturnType<typeof fitTable> {
  const objectives = [
    ...new Set(listed.flatMap((run) => (run.state === 'readable' ? Object.keys(run.best) : []))),
  ].sort()
  const columns: readonly Column[] = [
    { title: 'RUN' },
    { title: 'LATEST', align: 'right' },
    { title: 'SAVED', align: 'right' },
    ...objectives.map((name) => ({ title: `best:${name}`, align: 'right', optional: true }) as const),
    { title: 'CHECKPOINTS', align: 'right' },
    { title: 'SIZE', align: 'right' },
    ...(perMonth === undefined ? [] : [{ title: 'A MONTH', align: 'right' } as const]),
    { title: 'NOTES' },
  ]
  const rows = listed.map((run) => [
    run.name === '' ? '.' : run.name,
    ...(run.state === 'readable'
      ? numbersOf(run, now, objectives, perMonth)
      : Array.from({ length: columns.length - 2 }, () => '')),
    notesOf(prefix, run),
  ])
  return fitTable(columns, rows, process.stdout.isTTY ? process.stdout.columns : Infinity)
}

function numbersOf(
  { latest, best, checkpoints, bytes, isComplete }: ReadableRun,
  now: Date,
  objectives: readonly string[],
  perMonth: number | undefined,
): readonly string[] {
  return [
    latest === undefined ? '' : String(latest.step),
    latest === undefined ? '' : formatAge(latest.savedAt, now),
    ...objectives.map((name) => formatMetric(ownMember(best, name)?.value)),
    String(checkpoints),
    sizeText(bytes, isComplete),
    ...(perMonth === undefined ? [] : [costText(bytes, isComplete, perMonth)]),
  ]
}

function notesOf(prefix: string, run: RunSummary): string {
  if (run.state !== 'readable') return faultOf(prefix, run)
  const { quarantined, owner } = run
  return joined(
    owner !== undefined && `written by ${owner.name}`,
    quarantined > 0 && `${quarantined} quarantined`,
    isNeverPruned(run) &&
      `never pruned: holdfast prune --store ${shellQuoted(locationOf(prefix, run))} --keep-last 5 --dry-run`,
  )
}

function sizeText(bytes: number, isComplete: boolean): string {
  return `${isComplete ? '' : '≥ '}${formatSize(bytes)}`
}

function costText(bytes: number, isComplete: boolean, perMonth: number): string {
  return `${isComplete ? '' : '≥ '}${costOf(bytes, perMonth).toFixed(2)}`
}

function costOf(bytes: number, perMonth: number): number {
  return (bytes / 1e9) * perMonth
}
