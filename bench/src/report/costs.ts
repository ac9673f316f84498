import type { Headline, Question } from '../harness/work.ts'
import type { Findings } from './findings.ts'
import { headlinesOf } from './headlines.ts'

/** Returns what the README states about costs, one sentence per line. Omits what was not measured. */
export function costsOf(findings: Pick<Findings, 'groups'>): string {
  const rows = headlinesOf(findings)
  const timesOn = (wanted: Headline['kind'], asked: Question): readonly number[] =>
    rows
      .filter(({ question, kind }) => question === asked && kind === wanted)
      .flatMap(({ time }) => time?.value ?? [])
  const [onDisk] = timesOn('disk', 'Save a large file')
  const onStores = timesOn('object store', 'Save a large file')
  const restores = timesOn('object store', 'Restore a large file')
  const processor = rows
    .filter(({ question }) => question === 'Save a large file' || question === 'Restore a large file')
    .flatMap((row) => (row.processor?.role === 'digest peer' ? row.processor.value : []))
  const memory = findings.groups
    .flatMap(({ works }) => works)
    .filter(({ name, unit }) => unit === 'bytes' && name.startsWith('Peak of resident memory'))
    .flatMap(({ verdicts }) => verdicts.map(({ value }) => value / 2 ** 20))
  return [
    ...(onDisk === undefined
      ? []
      : [
          `On a disk, a save of a large file takes ${timesAsLong(onDisk)} \`cp\` with fsync or \`openssl dgst -sha256\`, whichever is slower.`,
        ]),
    ...(onStores.length === 0
      ? []
      : [
          `On object stores on the same machine, a save of a large file takes ${range(onStores)} times as long as the fastest other tool${restores.length === 0 ? '' : `, and a restore ${range(restores)} times`}.`,
        ]),
    ...(onDisk === undefined && onStores.length === 0
      ? []
      : ['These times include the SHA-256 of every byte.']),
    ...(processor.length === 0
      ? []
      : [
          `Saves and restores use ${range(processor)} times the processor time of the cheapest peer that computes a digest.`,
        ]),
    ...(memory.length === 0
      ? []
      : [
          `In the benchmark, memory grows by ${range(memory, 0)} MiB during a save or restore of one large file. [Threads](docs/configuration.md#threads) need more.`,
        ]),
  ].join('\n')
}

function timesAsLong(ratio: number): string {
  const times = ratio.toFixed(1)
  return times === '1.0' ? 'about as long as' : `${times} times as long as`
}

const pattern = /(?<=\n## Costs\n\n)[^]*?(?=\n\[bench\/RESULTS\.md\])/

/** Returns the README with these costs. Throws if it has no section for them. */
export function withCosts(readme: string, costs: string): string {
  if (!pattern.test(readme))
    throw new Error('README.md has no section "Costs" that ends with a link to bench/RESULTS.md')
  return readme.replace(pattern, () => costs)
}

function range(values: readonly number[], digits = 1): string {
  const [least, most] = [Math.min(...values).toFixed(digits), Math.max(...values).toFixed(digits)]
  return least === most ? least : `${least} to ${most}`
}
