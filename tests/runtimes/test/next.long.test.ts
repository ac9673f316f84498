import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inCi } from '@holdfast/test-servers'
import { expect, test, type TestContext } from 'vitest'
import { buildWithNext, installedNext, newProject, startNext } from './support/next.ts'

/** Returns the folder of Next.js, or skips the test with the reason. In CI a missing Next.js is an error. */
async function nextOr(skip: TestContext['skip']): Promise<string> {
  try {
    return await installedNext()
  } catch (error) {
    if (inCi(process.env)) throw error
    return skip(error instanceof Error ? error.message : String(error))
  }
}

const forms = {
  'that bundles the packages': '',
  'that leaves them to Node.js': "serverExternalPackages: ['@holdfast/core', '@holdfast/adapter-fs']",
} as const

test.for(Object.entries(forms))(
  'a route handler of a Next.js project %s saves and restores',
  { timeout: 3_600_000 },
  async ([, options], { skip }) => {
    await using project = await newProject(await nextOr(skip))
    await buildWithNext(project.folder, options)
    await using server = await startNext(project.folder)
    const folder = await mkdtemp(join(tmpdir(), 'holdfast-next-'))
    for (const step of [1, 2]) {
      const sent = { folder, step, weights: `weights of step ${step}` }
      const response = await fetch(`${server.url}/checkpoints`, {
        method: 'POST',
        body: JSON.stringify(sent),
      })
      expect(await response.json()).toEqual({ step, weights: sent.weights })
    }
  },
)
