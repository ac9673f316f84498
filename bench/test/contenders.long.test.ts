import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { groups, quickScale, reportOf, runGroups } from '../src/index.ts'

test.for(Object.entries(groups))(
  'every contender of %s produces the right bytes',
  { timeout: 1_800_000 },
  async ([name, { works }]) => {
    const folder = await mkdtemp(join(tmpdir(), 'holdfast-bench-test-'))
    onTestFinished(() => rm(folder, { recursive: true }))
    const selection = { names: [name], scale: quickScale, minutes: undefined, share: Infinity, options: [] }
    for await (const ran of runGroups(selection, { folder, print: () => undefined })) {
      if ('why' in ran) throw new Error(ran.why, { cause: ran.error })
      if (ran.leftOut.length === 0) expect(ran.works.length).toBeGreaterThanOrEqual(works)
      expect(ran.works.length + ran.leftOut.length).toBeGreaterThan(0)
      for (const { name: work, contenders } of ran.works) {
        for (const { name: contender, verified, failure } of contenders) {
          // A peer may not support a server, which the report states. All other contenders throw if they fail.
          const isVerified = failure !== undefined || verified > 0
          expect({ work, contender, isVerified }).toEqual({ work, contender, isVerified: true })
        }
      }
      expect(reportOf({ groups: [ran] }, 'ratios.svg')).toContain(`## ${name}`)
    }
  },
)
