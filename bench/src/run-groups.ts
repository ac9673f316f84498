import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { groups } from './groups.ts'
import { Bench } from './harness/bench.ts'
import type { RanGroup } from './harness/report.ts'
import type { Scale } from './harness/scale.ts'

/** Runs groups of work one after another. Each has its own folder, which is removed afterwards. */
export async function* runGroups(
  names: readonly string[],
  scale: Scale,
  parent: string,
  tell: (line: string) => void,
): AsyncGenerator<RanGroup> {
  for (const name of names) {
    const group = groups[name]
    if (group === undefined)
      throw new Error(`The group ${name} does not exist. Choose among: ${Object.keys(groups).join(', ')}.`)
    const folder = await mkdtemp(join(parent, 'holdfast-bench-'))
    try {
      tell(`\n== ${name}`)
      const ranAt = new Date().toISOString()
      const bench = new Bench(scale, folder, tell)
      await group(bench)
      yield { ...bench.result(name), ranAt, scale }
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  }
}
