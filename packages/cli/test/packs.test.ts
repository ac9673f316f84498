import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { holdfast } from './holdfast.ts'

test('saves small files in a pack with --packs, lists them, and explains why they have no path', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-packs-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  await mkdir(join(folder, 'out'))
  for (const name of ['a', 'b']) await writeFile(join(folder, 'out', name), `content of ${name}`)
  const run = (...words: readonly string[]) => holdfast(folder, ...words, '--store', './store')

  expect((await run('save', 'out', '--step', '1', '--packs', 'sometimes')).code).toBe(2)
  const saved = await run('save', 'out', '--step', '1', '--packs', 'always', '--json')
  expect(saved.code).toBe(0)
  expect(JSON.parse(saved.stdout)).toMatchObject({
    files: [
      { name: 'out/a', offset: 0 },
      { name: 'out/b', offset: 12 },
    ],
  })
  const digestOf = (name: string) => createHash('sha256').update(`content of ${name}`).digest('hex')
  const sums = await run('sums', '1')
  expect(sums.stdout).toBe(`${digestOf('a')}  out/a\n${digestOf('b')}  out/b\n`)
  const shown = await run('show', '1', '--json')
  expect(JSON.parse(shown.stdout)).toMatchObject({
    fileCount: 2,
    bytes: 24,
    files: [
      { name: 'out/a', size: 12, offset: 0, sha256: digestOf('a') },
      { name: 'out/b', size: 12, offset: 12, sha256: digestOf('b') },
    ],
  })
  expect((await run('show', '1')).stdout).toContain('out/b')
  const path = await run('path', '1', 'out/a')
  expect(path.code).toBe(1)
  expect(path.stderr).toContain('saved in one object with other small files')
  expect(path.stderr).toContain('Save with --packs never')
  const restored = await run('restore', '1', '--to', 'resume', '--file', 'out/b')
  expect(restored.code).toBe(0)
  expect(await readFile(join(folder, 'resume', 'out', 'b'), 'utf8')).toBe('content of b')
  expect((await run('verify')).code).toBe(0)
})

test('shares unchanged files with --unchanged link, and states their size', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-unchanged-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  await writeFile(join(folder, 'backbone.bin'), Buffer.alloc(2 * 2 ** 20, 'frozen'))
  const run = (...words: readonly string[]) => holdfast(folder, ...words, '--store', './store')

  expect((await run('save', 'backbone.bin', '--step', '1', '--unchanged', 'sometimes')).code).toBe(2)
  for (const step of ['1', '2']) {
    const { stdout } = await run('save', 'backbone.bin', '--step', step, '--unchanged', 'link', '--json')
    expect(JSON.parse(stdout)).toMatchObject({ unchangedBytes: 0 })
  }
  const third = await run('save', 'backbone.bin', '--step', '3', '--unchanged', 'link')
  expect(third.stdout).toContain('2.1 MB (2.1 MB unchanged)')
  expect((await run('verify')).code).toBe(0)
})
