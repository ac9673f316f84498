import { link, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { setAside } from '../src/harness/set-aside.ts'

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-set-aside-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  return folder
}

test('what is set aside keeps its files, but none of their bytes', async () => {
  const folder = await temporaryFolder()
  const [run, aside] = [join(folder, 'run'), join(folder, 'aside')]
  await mkdir(join(run, 'data'), { recursive: true })
  await writeFile(join(run, 'data', 'model.bin'), 'model', { mode: 0o400 })
  const { ino } = await stat(join(run, 'data', 'model.bin'))
  await setAside(run, aside)
  const [moved = ''] = await readdir(aside)
  expect(await stat(join(aside, moved, 'data', 'model.bin'))).toMatchObject({ ino, size: 0 })
  expect(await readdir(folder)).toEqual(['aside'])
})

test('a file that also has a name elsewhere keeps its bytes there', async () => {
  const folder = await temporaryFolder()
  await mkdir(join(folder, 'run'))
  await writeFile(join(folder, 'sample.bin'), 'sample')
  await link(join(folder, 'sample.bin'), join(folder, 'run', 'linked.bin'))
  await setAside(join(folder, 'run'), join(folder, 'aside'))
  expect(await readFile(join(folder, 'sample.bin'), 'utf8')).toBe('sample')
})

test('files that share their bytes with each other alone keep none of them', async () => {
  const folder = await temporaryFolder()
  const [run, aside] = [join(folder, 'run'), join(folder, 'aside')]
  await mkdir(run)
  await writeFile(join(run, '1.bin'), 'model')
  await link(join(run, '1.bin'), join(run, '2.bin'))
  await setAside(run, aside)
  const [moved = ''] = await readdir(aside)
  const left = await readdir(join(aside, moved))
  expect(left).toHaveLength(1)
  expect(await stat(join(aside, moved, left[0] ?? ''))).toMatchObject({ size: 0 })
})
