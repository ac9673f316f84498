import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import {
  chartOf,
  costsOf,
  type Findings,
  groups,
  headlinesOf,
  quickSelection,
  reportOf,
  wholeMinutes,
  withCosts,
  type Role,
  type Verdict,
  type WorkResult,
} from '../src/index.ts'
import { toyGroup } from './toy-group.ts'

const work = (change: Partial<WorkResult>): WorkResult => ({
  name: 'any',
  unit: 'ms',
  rounds: 1,
  planned: 1,
  contenders: [],
  verdicts: [],
  ...change,
})

const ratio = (role: Role, value: number, atMost: number, than: string): Verdict => ({
  text: than,
  role,
  of: 'Holdfast',
  kind: 'ratio',
  ...(role === 'time' ? {} : { measured: 'processor' as const }),
  value,
  atMost,
  than,
})

const onDisk = work({
  headline: { question: 'Save a large file', kind: 'disk', place: 'disk' },
  verdicts: [ratio('time', 1.1, 1.15, 'cp'), ratio('digest peer', 1.7, 1.5, 'rclone')],
})
const onS3 = work({
  headline: { question: 'Save a large file', kind: 'object store', place: 'S3' },
  // The role decides which comparison of processor times is shown, not the position.
  verdicts: [
    ratio('time', 0.72, 1, 'opendal'),
    ratio('other peer', 1.3, 1.5, 'rclone'),
    ratio('digest peer', 0.9, 1, 's5cmd'),
  ],
})
const onAzure = work({
  headline: { question: 'Save a large file', kind: 'object store', place: 'Azure' },
  verdicts: [
    ratio('time', 0.4, 1, 'the SDK'),
    { ...ratio('other peer', 2.6, 1.5, 'rclone'), text: 'rclone, which computes no digest' },
  ],
})
const byCommandLine = work({
  headline: { question: 'Save a large file', kind: 'command line', place: 'disk, command line' },
  verdicts: [ratio('time', 1.6, 2, 'cp'), ratio('other peer', 9, 2, 'cp')],
})
const memory = work({
  name: 'Peak of resident memory',
  unit: 'bytes',
  verdicts: [{ text: 'any', of: 'any', kind: 'bound', value: 5 * 2 ** 20, atMost: 2 ** 30 }],
})

const findings = (works: readonly WorkResult[]): Findings => ({
  groups: [toyGroup(works)],
})

test('begins with one table of ratios, in which missed goals are marked', () => {
  const [title, , table, chart] = reportOf(findings([onS3, onDisk, onAzure]), 'ratios.svg').split('\n\n')
  expect([title, table, chart]).toEqual([
    '# What Holdfast costs',
    [
      '|  | store | time | goal | processor time | goal |',
      '| --- | --- | --- | --- | --- | --- |',
      '| Save a large file | S3 | 0.72 (opendal) | ≤ 1 | 0.90 (s5cmd) | ≤ 1 |',
      '| Save a large file | disk | 1.10 (cp) | ≤ 1.15 | **1.70 (rclone)** | ≤ 1.5 |',
      '| Save a large file | Azure | 0.40 (the SDK) | ≤ 1 | **2.60 (rclone, which computes no digest)** | ≤ 1.5 |',
    ].join('\n'),
    '![The ratios of the table, and their goals](ratios.svg)',
  ])
})

test('draws a chart with a label for each row', async () => {
  const svg = await chartOf(headlinesOf(findings([onS3, onDisk])))
  expect(svg).toMatch(/^<svg [^]*>Save a large file, S3<[^]*>Save a large file, disk<[^]*<\/svg>\n$/)
})

test('states each cost in a line of its own, and omits what was not measured', () => {
  expect(costsOf(findings([onS3, onAzure, onDisk, byCommandLine, memory])).split('\n')).toEqual([
    expect.stringContaining('On a disk, a save of a large file takes 1.1 times as long as'),
    'On object stores on the same machine, a save of a large file takes 0.4 to 0.7 times as long as the fastest other tool.',
    'These times include the SHA-256 of every byte.',
    expect.stringContaining('0.9 to 1.7 times the processor time'),
    'In the benchmark, memory grows by 5 MiB during a save or restore of one large file. [Threads](docs/configuration.md#threads) need more.',
  ])
  expect(costsOf(findings([memory])).split('\n')).toEqual([expect.stringContaining('memory grows')])
})

test('states no factor for a save that takes as long as its peer', () => {
  const equal = work({
    headline: { question: 'Save a large file', kind: 'disk', place: 'disk' },
    verdicts: [ratio('time', 1.02, 1.15, 'cp')],
  })
  expect(costsOf(findings([equal]))).toMatch(/takes about as long as `cp`/)
})

test('shows the machine once for all groups, or each machine with its groups', () => {
  const [one, other] = [toyGroup([onS3]), toyGroup([onDisk], { group: 'fs' })]
  const moved = { ...other, machine: { ...other.machine, cores: 16 } }
  expect(reportOf({ groups: [one, other] }, 'ratios.svg').match(/, \d+ cores/g)).toEqual([', 1 cores'])
  const report = reportOf({ groups: [one, moved] }, 'ratios.svg')
  expect(report).toMatch(/### toy\n\n[^#]*, 1 cores[^]*### fs\n\n[^#]*, 16 cores/)
})

test('replaces the costs of the README, and rejects a README without them', () => {
  const readme = 'before\n\n## Costs\n\nold\nlines\n[bench/RESULTS.md](bench/RESULTS.md) has more.\n'
  const pattern = 'new $& lines'
  expect(withCosts(readme, pattern)).toBe(
    'before\n\n## Costs\n\nnew $& lines\n[bench/RESULTS.md](bench/RESULTS.md) has more.\n',
  )
  expect(() => withCosts('# Holdfast\n', pattern)).toThrow('no section "Costs"')
})

test('the README, RESULTS.md and the chart are those of results.json', async () => {
  const read = (name: string): Promise<string> => readFile(new URL(`../${name}`, import.meta.url), 'utf8')
  const measured = JSON.parse(await read('results.json')) as Findings
  const readme = await read('../README.md')
  expect(withCosts(readme, costsOf(measured))).toBe(readme)
  expect(await read('ratios.svg')).toBe(await chartOf(headlinesOf(measured)))
  const absent = Object.keys(groups).filter((name) => !measured.groups.some(({ group }) => group === name))
  expect(await read('RESULTS.md')).toBe(`${reportOf(measured, 'ratios.svg', absent)}\n`)
})

test('every command of RESULTS.md names a group', async () => {
  const report = await readFile(new URL('../RESULTS.md', import.meta.url), 'utf8')
  const named = [...report.matchAll(/^`npx -y pnpm@12 bench ([a-z0-9-]+)/gm)].map(([, name]) => name)
  const measured = [...report.matchAll(/^## ([a-z0-9-]+)$/gm)].map(([, name]) => name)
  expect(named).toEqual(measured)
  expect(Object.keys(groups)).toEqual(expect.arrayContaining(named))
})

test('gives all groups at most an hour, and those of the quick selection five minutes', () => {
  const minutesOf = (names: readonly string[]): number =>
    names.reduce((sum, name) => sum + (groups[name]?.minutes ?? NaN), 0)
  expect(minutesOf(Object.keys(groups))).toBeLessThanOrEqual(wholeMinutes)
  expect(minutesOf(quickSelection.names) * (quickSelection.share ?? 1)).toBeLessThanOrEqual(5)
})
