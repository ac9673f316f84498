import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { environment, holdfastIn } from './holdfast.ts'

test('--job and HOLDFAST_JOB make commands one owner, and other commands can only read', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-jobs-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  await writeFile(join(folder, 'w.bin'), 'weights')
  const run = (job: string, ...words: readonly string[]) =>
    holdfastIn({ ...environment(), HOLDFAST_JOB: job }, folder, '-s', 'store', ...words)
  expect(await run('', 'save', 'w.bin', '--step', '1', '--job', 'my run')).toMatchObject({ code: 0 })
  const refused = await run('', 'save', 'w.bin', '--step', '2')
  expect(refused.code).toBe(6)
  expect(refused.stderr).toMatch(
    /^holdfast: Nothing was changed\. The store belongs to .*, and only it may write\./,
  )
  expect(refused.stderr).toContain("Pass --job 'my run' to belong to that job.")
  expect(await run('other', 'attach', '1', '--metric', 'loss=1')).toMatchObject({ code: 6 })
  expect(await run('', 'show', '1')).toMatchObject({ code: 0 })
  expect(await run('my run', 'save', 'w.bin', '--step', '2')).toMatchObject({ code: 0 })
  expect(await run('', 'ls', '--job', '')).toMatchObject({ code: 2 })
})
