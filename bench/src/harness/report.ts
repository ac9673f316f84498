import type { GroupResult } from './bench.ts'
import type { Machine } from './machine.ts'
import { fullScale, type Scale } from './scale.ts'
import { median as medianOf } from './statistics.ts'
import type { ContenderResult, Unit, Verdict, WorkResult } from './work.ts'

/** The results of one run, or of several runs of different groups. */
export interface Findings {
  readonly machine: Machine
  readonly groups: readonly RanGroup[]
}

export interface RanGroup extends GroupResult {
  readonly ranAt: string
  readonly scale: Scale
}

/** Returns the report in Markdown. */
export function reportOf({ machine, groups }: Findings): string {
  return [
    '# What Holdfast costs',
    '`pnpm bench` measures these numbers and writes this page. All values are in `results.json`. Contenders take turns on the same bytes, round by round. Their bytes are verified in the first and the last round. Each number is the median of the rounds. Its spread is half of the distance between the quartiles. Each ratio is the median of the ratios of the rounds, and is below one if Holdfast is faster. Only Holdfast computes a SHA-256, unless the name of a contender says otherwise. `processor` is the processor time of the client in seconds, user and system, for each GiB; that of the server is not included. The command of each group determines sizes and rounds.',
    machineTable(machine),
    '## Goals',
    goalTable(groups),
    ...groups.flatMap(sectionOf),
  ].join('\n\n')
}

function machineTable(machine: Machine): string {
  const rows = [
    ['processor', `${machine.processor}, ${machine.cores} cores`],
    ['memory', bytesText(machine.memoryBytes)],
    ['system', machine.system],
    ['disk', machine.disk],
    ['load', `${machine.load.toFixed(1)} (average of 15 minutes)`],
    ...Object.entries(machine.versions),
  ]
  return table(['machine', ''], rows)
}

function goalTable(groups: readonly RanGroup[]): string {
  const rows = groups.flatMap(({ works }) =>
    works.flatMap((work) =>
      work.verdicts.flatMap((verdict) => {
        if (verdict.atMost === undefined) return []
        const { value, limit } = textOf(verdict, work)
        return [
          [work.name, subject(verdict), value, limit, verdict.value <= verdict.atMost ? 'yes' : '**no**'],
        ]
      }),
    ),
  )
  return table(['work', 'against', 'measured', 'goal', 'holds'], rows)
}

function sectionOf({ group, works, left, ranAt, scale }: RanGroup): readonly string[] {
  return [
    `## ${group}`,
    `\`${commandOf(group, scale)}\`, ${ranAt}.`,
    ...works.flatMap(workSection),
    ...(left.length === 0 ? [] : [left.map(({ what, why }) => `- ${what} was left out: ${why}.`).join('\n')]),
  ]
}

/** Returns the command that repeats a group at this scale. */
function commandOf(group: string, scale: Scale): string {
  const { rounds, bytes, files } = fullScale
  return [
    `pnpm bench ${group}`,
    ...(scale.quick ? ['--quick'] : []),
    ...(scale.rounds === rounds ? [] : [`--rounds ${scale.rounds}`]),
    ...(scale.bytes === bytes ? [] : [`--mebibytes ${scale.bytes / 2 ** 20}`]),
    ...(scale.files === files ? [] : [`--files ${scale.files}`]),
  ].join(' ')
}

function workSection(work: WorkResult): readonly string[] {
  const told = work.verdicts.map((verdict) => {
    const { value, limit } = textOf(verdict, work)
    const goal = verdict.atMost === undefined ? '' : ` (goal: ${limit})`
    const measured = verdict.measured === undefined ? '' : ', processor time'
    return `- ${verdict.of}${measured}${verdict.kind === 'ratio' ? ' against' : ','} ${verdict.text}: ${value}${goal}`
  })
  return [
    `### ${work.name}`,
    `${work.rounds} rounds${work.bytes === undefined ? '' : `, ${bytesText(work.bytes)}`}.`,
    table(
      ['', 'median', 'best', 'spread', ...(work.bytes === undefined ? [] : ['throughput', 'processor'])],
      work.contenders.map((contender) => rowOf(contender, work)),
    ),
    ...(told.length === 0 ? [] : [told.join('\n')]),
  ]
}

function rowOf(
  { name, median, best, spread, processor, failure }: ContenderResult,
  { unit, bytes }: WorkResult,
): readonly string[] {
  if (failure !== undefined) return [name, `failed: ${failure.split('\n')[0] ?? ''}`, '', '', '', '']
  return [
    name,
    valueText(median, unit),
    valueText(best, unit),
    `±${(spread * 100).toFixed(0)} %`,
    ...(bytes === undefined
      ? []
      : [`${bytesText((bytes / median) * 1000)}/s`, processorText(processor, bytes)]),
  ]
}

/** Returns the processor time for each gibibyte. */
function processorText(processor: readonly number[] | undefined, bytes: number): string {
  return processor === undefined ? '' : `${(medianOf(processor) / 1000 / (bytes / 2 ** 30)).toFixed(2)} s/GiB`
}

function subject({ text, of, kind, measured }: Verdict): string {
  if (kind === 'bound') return `${of}: ${text}`
  if (measured !== undefined) return `processor time of ${text}`
  return of === 'Holdfast' ? text : `${of} / ${text}`
}

function textOf(
  { value, atMost, kind }: Verdict,
  { unit }: WorkResult,
): { readonly value: string; readonly limit: string } {
  if (kind === 'ratio')
    return { value: `${value.toFixed(2)} x`, limit: atMost === undefined ? '' : `≤ ${atMost} x` }
  return { value: valueText(value, unit), limit: atMost === undefined ? '' : `≤ ${valueText(atMost, unit)}` }
}

function valueText(value: number, unit: Unit): string {
  switch (unit) {
    case 'ms':
      return value >= 10_000 ? `${(value / 1000).toFixed(1)} s` : `${value.toPrecision(3)} ms`
    case 'us':
      return value >= 10_000 ? `${(value / 1000).toFixed(0)} ms` : `${value.toPrecision(3)} µs`
    case 'bytes':
      return bytesText(value)
    case 'requests':
      return String(value)
  }
}

function bytesText(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB']
  const power = bytes <= 0 ? 0 : Math.min(units.length - 1, Math.max(0, Math.floor(Math.log2(bytes) / 10)))
  const scaled = bytes / 1024 ** power
  return `${Number.isInteger(scaled) ? scaled : scaled.toPrecision(3)} ${units[power] ?? ''}`
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}
