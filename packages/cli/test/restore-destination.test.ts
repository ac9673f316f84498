import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { holdfast } from './holdfast.ts'

/** Creates a folder with a store of two steps, which have different shards. */
async function withStore(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-cli-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  for (const step of [1, 2]) {
    await mkdir(join(folder, `out-${step}`))
    for (const shard of [1, 2].map((each) => `model-${each}-of-${step}.bin`))
      await writeFile(join(folder, `out-${step}`, shard), `step ${step}`)
    const shards = (await readdir(join(folder, `out-${step}`))).map((name) => join(`out-${step}`, name))
    const saved = await holdfast(folder, '-s', 'store', 'save', ...shards, '--step', String(step))
    expect(saved.code).toBe(0)
  }
  return folder
}

test('restore reports other files beside the restored ones, and --exact removes them', async () => {
  const folder = await withStore()
  const restore = async (...words: readonly string[]) =>
    holdfast(folder, '-s', 'store', 'restore', ...words, '--to', 'resume')
  expect((await restore('1')).stderr).toBe('')
  expect((await restore('2')).stderr).toBe(
    '2 other files were in resume and were left there (model-1-of-1.bin, model-2-of-1.bin). --exact removes them.\n',
  )
  const exact = await restore('2', '--exact')
  expect(exact.stdout).toMatch(/\nremoved 2 other files from resume\n$/)
  expect((await readdir(join(folder, 'resume'))).toSorted()).toEqual(['model-1-of-2.bin', 'model-2-of-2.bin'])
})

test('restore does not suggest --exact where it would refuse it', async () => {
  const folder = await withStore()
  const { stderr } = await holdfast(folder, '-s', 'store', 'restore', '2', '--to', '.')
  expect(stderr).toMatch(/^4 other files were in \. and were left there \(.*\)\.\n$/)
  const exact = await holdfast(folder, '-s', 'store', 'restore', '2', '--to', '.', '--exact')
  expect([exact.code, exact.stderr]).toEqual([2, expect.stringContaining('because it contains the store')])
})

test('restore exits with 1 or 2, never with 4 or 6, if it cannot use the destination', async () => {
  const folder = await withStore()
  await writeFile(join(folder, 'file'), 'x')
  await symlink('/nowhere/at/all', join(folder, 'link'))
  for (const to of ['file', 'file/below', 'link', 'store', 'store/below']) {
    const { code, stderr } = await holdfast(folder, '-s', 'store', 'restore', '--to', to)
    expect(code, stderr).toBe(2)
    expect(stderr).toContain(to.split('/')[0])
  }
})
