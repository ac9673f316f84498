import { median as medianOf } from '../harness/statistics.ts'
import type { ContenderResult, Verdict, WorkResult } from '../harness/work.ts'
import type { Findings, RanGroup } from './findings.ts'
import { headlinesOf, type HeadlineRow, isReached } from './headlines.ts'
import type { Machine } from './machine.ts'
import { table } from './table.ts'
import { bytesText, durationText, valueText } from './units.ts'

/** Returns the report in Markdown. `chart` is the path of the picture. `absent` has the names of groups without results. */
export function reportOf(findings: Findings, chart: string, absent: readonly string[] = []): string {
  const { groups } = findings
  const rows = headlinesOf(findings)
  return [
    '# What Holdfast costs',
    'Below 1 is better than the peer in parentheses. On object stores, only Holdfast computes and verifies a SHA-256. The marked goals are missed; [LIMITS.md](LIMITS.md) explains why.',
    ...(rows.length === 0
      ? []
      : [headlineTable(rows), `![The ratios of the table, and their goals](${chart})`]),
    '`npx -y pnpm@12 bench` measures these numbers and writes this page. All values are in `results.json`. Contenders take turns on the same bytes, round by round. Their bytes are verified in the first and the last round; of a folder that a peer uploads, one file. A peer that took twice as long as another one in the first round decides no ratio, so it runs in the first and the last round only. Each number is the median of the rounds. Its spread is half of the distance between the quartiles. Each ratio is the median of the ratios of the rounds. `processor` is the processor time of the client in seconds, user and system, for each GiB; that of the server is not included.',
    '## Left out',
    leftOutList(groups, absent),
    '## Machine',
    ...machineTables(groups),
    '## Goals',
    goalTable(groups),
    ...groups.flatMap(sectionOf),
  ].join('\n\n')
}

function headlineTable(rows: readonly HeadlineRow[]): string {
  return table(
    ['', 'store', 'time', 'goal', 'processor time', 'goal'],
    rows.map(({ question, place, time, processor }) => [
      question,
      place,
      ...headlineCells(time),
      ...headlineCells(processor),
    ]),
  )
}

function headlineCells(verdict: Verdict | undefined): readonly [string, string] {
  if (verdict === undefined) return ['', '']
  const { value, atMost, than, text, role } = verdict
  // The text states whether another peer computes a digest.
  const ratio = `${value.toFixed(2)} (${role === 'other peer' ? text : (than ?? text)})`
  return [isReached(verdict) === false ? `**${ratio}**` : ratio, atMost === undefined ? '' : `≤ ${atMost}`]
}

function leftOutList(groups: readonly RanGroup[], absent: readonly string[]): string {
  const lines = [
    ...groups.flatMap(({ group, leftOut }) => leftOut.map(({ what, why }) => `${group}: ${what}: ${why}.`)),
    ...groups.flatMap(({ group, works }) =>
      works
        .filter(({ rounds, planned }) => rounds < planned)
        .map(({ name, rounds, planned }) => {
          return `${group}: ${planned - rounds} of ${planned} rounds of "${name}": the time of the group was over.`
        }),
    ),
    ...groups.flatMap(({ group, works }) =>
      works.flatMap(({ name, contenders }) =>
        contenders
          .filter(({ failure }) => failure !== undefined)
          .map((contender) => `${group}: ${contender.name} in "${name}": it failed, as its row states.`),
      ),
    ),
    ...groups.flatMap(({ group, works }) =>
      works.flatMap(({ name, contenders }) =>
        contenders.flatMap(({ name: contender, failedRound }) =>
          failedRound === undefined
            ? []
            : [`${group}: one round of ${contender} in "${name}": ${firstWords(failedRound)}`],
        ),
      ),
    ),
    ...absent.map((group) => `${group}: it has not been measured yet.`),
  ]
  return lines.length === 0 ? 'Nothing.' : lines.map((line) => `- ${line}`).join('\n')
}

/** Returns a table for each machine. Several have a title that names their groups. */
function machineTables(groups: readonly RanGroup[]): readonly string[] {
  const byFacts = Map.groupBy(groups, ({ machine }) => JSON.stringify(machine))
  return [...byFacts.values()].flatMap((measured) =>
    measured.slice(0, 1).flatMap(({ machine }) => {
      const names = measured.map(({ group }) => group).join(', ')
      return [...(byFacts.size === 1 ? [] : [`### ${names}`]), machineTable(machine)]
    }),
  )
}

function machineTable(machine: Machine): string {
  const rows = [
    ['processor', `${machine.processor}, ${machine.cores} cores`],
    ['memory', bytesText(machine.memoryBytes)],
    ['system', machine.system],
    ['disk', machine.disk],
    ...Object.entries(machine.versions),
  ]
  return table(['machine', ''], rows)
}

function goalTable(groups: readonly RanGroup[]): string {
  const rows = groups.flatMap(({ works }) =>
    works.flatMap((work) =>
      work.verdicts.flatMap((verdict) => {
        const reached = isReached(verdict)
        if (reached === undefined) return []
        const { value, limit } = textOf(verdict, work)
        return [[work.name, subject(verdict), value, limit, reached ? 'yes' : '**no**']]
      }),
    ),
  )
  return table(['work', 'against', 'measured', 'goal', 'holds'], rows)
}

function sectionOf({ group, works, ranAt, seconds, command, load }: RanGroup): readonly string[] {
  return [
    `## ${group}`,
    `\`${command}\`, ${ranAt.slice(0, 16).replace('T', ' ')} UTC${seconds === undefined ? '' : `, ${durationText(seconds)}`}${load === undefined ? '' : `, with a load of ${load.toFixed(1)} (average of 15 minutes)`}.`,
    ...works.flatMap(workSection),
  ]
}

function workSection(work: WorkResult): readonly string[] {
  const ratios = work.verdicts.map((verdict) => {
    const { value, limit } = textOf(verdict, work)
    const goal = verdict.atMost === undefined ? '' : ` (goal: ${limit})`
    const measured = verdict.measured === undefined ? '' : ', processor time'
    return `- ${verdict.of}${measured}${verdict.kind === 'ratio' ? ' against' : ','} ${verdict.text}: ${value}${goal}`
  })
  return [
    `### ${work.name}`,
    `${work.rounds} ${work.rounds === 1 ? 'round' : 'rounds'}${work.bytes === undefined ? '' : `, ${bytesText(work.bytes)}`}.`,
    table(
      ['', 'median', 'best', 'spread', ...(work.bytes === undefined ? [] : ['throughput', 'processor'])],
      work.contenders.map((contender) => rowOf(contender, work)),
    ),
    ...(ratios.length === 0 ? [] : [ratios.join('\n')]),
  ]
}

function rowOf(contender: ContenderResult, { unit, bytes }: WorkResult): readonly string[] {
  const { name, median, best, spread, failure } = contender
  if (failure !== undefined)
    return [name, `failed: ${firstWords(failure)}`, '', '', ...(bytes === undefined ? [] : ['', ''])]
  return [
    name,
    valueText(median, unit),
    valueText(best, unit),
    `±${(spread * 100).toFixed(0)} %`,
    ...(bytes === undefined
      ? []
      : [`${bytesText((bytes / median) * 1000)}/s`, processorText(contender, bytes) ?? '']),
  ]
}

/** Returns the beginning of an error in one cell of a table. */
function firstWords(failure: string): string {
  return (failure.split('\n')[0] ?? '').slice(0, 500).replaceAll('|', ' ')
}

/** Returns the processor time for each gibibyte. */
function processorText({ processor }: ContenderResult, bytes: number): string | undefined {
  return processor === undefined
    ? undefined
    : `${(medianOf(processor.filter((value) => value !== null)) / 1000 / (bytes / 2 ** 30)).toFixed(2)} s/GiB`
}

function subject({ text, of, kind, measured }: Verdict): string {
  if (kind === 'bound') return `${of}: ${text}`
  if (measured !== undefined) return `processor time of ${text}`
  return of === 'Holdfast' ? text : `${of} / ${text}`
}

function textOf(
  { value, atMost, kind, of, measured }: Verdict,
  { unit, bytes, contenders }: WorkResult,
): { readonly value: string; readonly limit: string } {
  if (kind === 'bound')
    return {
      value: valueText(value, unit),
      limit: atMost === undefined ? '' : `≤ ${valueText(atMost, unit)}`,
    }
  const judged = measured === 'processor' ? contenders.find(({ name }) => name === of) : undefined
  const cost = judged && bytes !== undefined ? processorText(judged, bytes) : undefined
  return {
    value: `${value.toFixed(2)} x${cost === undefined ? '' : ` (${cost})`}`,
    limit: atMost === undefined ? '' : `≤ ${atMost} x`,
  }
}
