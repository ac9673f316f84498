import { readdir, rename, rm, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { checkpointFolder, onStore } from './on-store.ts'

test('every command that does not save reports a lost catalog with exit code 5', async () => {
  const folder = await checkpointFolder()
  await onStore(folder, 'save', 'checkpoint.pth', '--step', '1', '--metric', 'loss=1')
  await rm(join(folder, 'store', 'catalog'), { recursive: true })
  const commands = [
    'ls',
    'show',
    'show 1',
    'stats',
    'status',
    'best',
    'prune --keep-last 1',
    'prune --keep-last 1 --dry-run',
    'metrics',
    'report',
    'pin 1',
    'unpin 1',
    'attach 1 --metric loss=2',
    'rm 1',
    'undo',
    'sweep',
    'sums',
    'path latest checkpoint.pth',
    'cat latest checkpoint.pth',
    'diff 1 latest',
    'copy ./store other',
    'restore --to out',
    'verify',
  ]
  for (const command of commands) {
    const { code, stdout, stderr } = await onStore(folder, ...command.split(' '))
    const isReported = /catalog .*is lost/.test(stdout + stderr)
    expect({ command, code, isReported }).toEqual({ command, code: 5, isReported: true })
  }
  const repaired = await onStore(folder, 'repair')
  expect(repaired.code).toBe(0)
  expect(repaired.stdout).not.toContain('damaged')
  expect(repaired.stderr).toMatch(/^All versions of the catalog are lost\. .* holdfast unpin 1$/m)
  expect((await onStore(folder, 'show', '1')).code).toBe(0)
})

test('names a catalog that is a symbolic link, and does not call it lost', async () => {
  const folder = await checkpointFolder()
  await onStore(folder, 'save', 'checkpoint.pth', '--step', '1')
  await rename(join(folder, 'store', 'catalog'), join(folder, 'elsewhere'))
  await symlink(join(folder, 'elsewhere'), join(folder, 'store', 'catalog'))
  for (const words of [
    ['ls'],
    ['restore', '--to', 'out', '--fallback'],
    ['repair'],
    ['save', 'checkpoint.pth', '--step', '2'],
  ]) {
    const { code, stderr } = await onStore(folder, ...words)
    expect([words, code]).toEqual([words, words[0] === 'save' ? expect.any(Number) : 5])
    expect(stderr, words.join(' ')).toContain(
      'catalog is a symbolic link, which could lead out of the store. Remove it.',
    )
    expect(stderr).not.toContain('lost')
  }
  expect(await readdir(join(folder, 'elsewhere'))).toHaveLength(2)
})
