import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { groups, quickScale, reportOf, runGroups } from '../src/index.ts'

test.for(Object.keys(groups))(
  'every contender of %s produces the right bytes',
  { timeout: 300_000 },
  async (name) => {
    const folder = await mkdtemp(join(tmpdir(), 'holdfast-bench-test-'))
    onTestFinished(() => rm(folder, { recursive: true }))
    const told: string[] = []
    for await (const ran of runGroups([name], quickScale, folder, (line) => told.push(line))) {
      expect(ran.works.length + ran.left.length).toBeGreaterThan(0)
      for (const { name: work, contenders } of ran.works) {
        for (const { name: contender, verified, failure } of contenders) {
          // A peer may be unable to speak to a server; the report says so. All others throw when they fail.
          const proved = failure !== undefined || verified > 0
          expect({ work, contender, proved }).toEqual({ work, contender, proved: true })
        }
      }
      expect(reportOf({ machine, groups: [ran] })).toContain(`## ${name}`)
    }
  },
)

const machine = {
  processor: 'any',
  cores: 1,
  memoryBytes: 1,
  system: 'any',
  disk: 'any',
  load: 0,
  versions: {},
}
