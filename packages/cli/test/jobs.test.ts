import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { environment, holdfast, holdfastIn } from './holdfast.ts'
import { workFolder } from './work-folder.ts'

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

test('--take-over ends the saves of a job until it saves again, and with another job for good', async () => {
  const folder = await workFolder()
  const save = (step: number, ...words: readonly string[]) =>
    holdfast(folder, '-s', 'store', 'save', 'w.bin', '--step', `${step}`, ...words)
  await save(1, '--job', 'a')
  const refused = await save(2)
  expect(refused.stderr).toContain('Without one, the next save of a takes it again.')
  expect(await save(2, '--take-over')).toMatchObject({ code: 0 })
  expect(await save(3)).toMatchObject({ code: 0 })
  expect(await save(4, '--job', 'a')).toMatchObject({ code: 0 })
  expect(await save(5)).toMatchObject({ code: 6 })
  expect(await save(5, '--job', 'b', '--take-over')).toMatchObject({ code: 0 })
  expect(await save(6, '--job', 'a')).toMatchObject({ code: 6 })
})
