import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { holdfast } from './holdfast.ts'

test('a damaged agreement of ranks hides no checkpoint from ls, show and repair', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-agreement-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  await writeFile(join(folder, 'w.bin'), 'weights')
  const save = ['save', 'w.bin', '--step', '1', '--rank', '0', '--world-size', '1']
  expect(await holdfast(folder, '-s', 'store', ...save)).toMatchObject({ code: 0 })
  const agreement = join(folder, 'store/agreements/terms/0000000001/open.json')
  await chmod(agreement, 0o600)
  await writeFile(agreement, 'damaged')
  for (const command of ['ls', 'show']) {
    const { code, stdout, stderr } = await holdfast(folder, '-s', 'store', command)
    expect(code).toBe(0)
    expect(stdout).toMatch(/step 1|STEP/)
    expect(stderr).toContain('cannot be read: agreements/terms/0000000001/open.json')
  }
  expect(await holdfast(folder, '-s', 'store', 'repair')).toMatchObject({ code: 0, stderr: '' })
})
