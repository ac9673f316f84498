import { spawn } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { chmod, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { environment, exitOf, holdfast, main } from './holdfast.ts'
import { checkpointFolder, lastLine, onStore } from './on-store.ts'

describe('the commands', () => {
  test('save, list, show, restore, verify, pin, delete, sweep, repair and diagnose a checkpoint', async () => {
    const folder = await checkpointFolder()
    const sha256 = createHash('sha256')
      .update(await readFile(join(folder, 'checkpoint.pth')))
      .digest('hex')
    const words = [
      '--epoch',
      '4',
      '--metric',
      'val_loss=0.183',
      '--metric',
      'odd=nan',
      '--tag',
      'good',
      '--meta',
      'lr=0.1',
      '--data-state',
      '{"position":640}',
    ]
    const saved = await onStore(folder, 'save', 'checkpoint.pth', '--step', '42', ...words)
    expect(saved.stdout).toMatch(/^saved step 42 · 100 KB in \d+\.\d s · sha256 [0-9a-f]{4}…[0-9a-f]{2}\n$/)
    expect(saved.code).toBe(0)
    await onStore(folder, 'save', 'checkpoint.pth', '--step', '43', '--metric', 'val_loss=0.2')

    const listed = await onStore(folder, 'ls', '--objective', 'loss=val_loss:min')
    expect(listed.stdout).toMatch(/^STEP +EPOCH +SIZE +SAVED +val_loss +odd +NOTES\n/)
    expect(listed.stdout).toMatch(/\n +42 +4 +100 KB +.*0\.183 +NaN +best loss, #good\n/)
    expect(listed.stdout).toMatch(/\n2 checkpoints · 200 KB · .* free · file:\/\/.*\/store\n$/)

    expect((await onStore(folder, 'show', '42')).stdout).toContain(`checkpoint.pth  100 KB  ${sha256}`)
    expect(lastLine((await onStore(folder, 'show', '42', '--json')).stdout)).toMatchObject({
      metadata: { lr: 0.1 },
      dataState: { position: 640 },
    })
    const restored = await onStore(folder, 'restore', 'best', '--to', 'out', '--objective', 'val_loss:min')
    expect(restored.stdout).toMatch(/^restored step 42 · 100 KB in .*, verified · out\/checkpoint\.pth\n$/)
    expect(await readFile(join(folder, 'out', 'checkpoint.pth'))).toEqual(
      await readFile(join(folder, 'checkpoint.pth')),
    )
    expect((await onStore(folder, 'sums', '42')).stdout).toBe(`${sha256}  checkpoint.pth\n`)
    expect((await onStore(folder, 'verify')).stdout).toMatch(/^2 checkpoints good · 200 KB read in/)
    expect((await onStore(folder, 'verify', '42', '--quick')).stdout).toMatch(
      /^1 checkpoint good · 100 KB checked in/,
    )

    expect((await onStore(folder, 'pin', '42', '--reason', 'before lr drop')).stdout).toBe(
      'pinned step 42 · before lr drop\n',
    )
    expect((await onStore(folder, 'ls')).stdout).toContain('pinned "before lr drop"')
    expect(await onStore(folder, 'rm', '42')).toMatchObject({
      code: 2,
      stderr: 'holdfast: Step 42 is pinned. Unpin it first.\n',
    })
    expect((await onStore(folder, 'unpin', '42')).code).toBe(0)
    expect((await onStore(folder, 'rm', '42')).stdout).toBe('dropped step 42 · deleted by hand\n')
    expect((await onStore(folder, 'sweep')).stdout).toMatch(
      /^deleted 0 unfinished or dropped checkpoints, 0 B/,
    )
    expect((await onStore(folder, 'repair')).stdout).toBe('nothing to repair\n')
    expect((await onStore(folder, 'doctor')).stdout).toMatch(/✓ conditional create +enforced/)
    const { stdout: path } = await onStore(folder, 'path', 'latest', 'checkpoint.pth')
    expect(await readFile(path.trim())).toEqual(await readFile(join(folder, 'checkpoint.pth')))
  })

  test('save standard input, and several files and folders', async () => {
    const folder = await checkpointFolder()
    await mkdir(join(folder, 'model'))
    await writeFile(join(folder, 'model', 'weights.bin'), 'weights')
    const child = spawn(
      process.execPath,
      [main, 'save', '-', '--name', 'dump.sql', 'model', '--step', '1', '-s', 'store', '--until-eof'],
      {
        cwd: folder,
        env: environment(),
      },
    )
    child.stdin.end('a dump of unknown length')
    expect(await exitOf(child)).toBe(0)
    const { stdout } = await onStore(folder, 'sums')
    expect(stdout).toMatch(/^[0-9a-f]{64} {2}dump\.sql\n[0-9a-f]{64} {2}model\/weights\.bin\n$/)
    await writeFile(join(folder, 'model', 'checkpoint.pth'), 'x')
    const clash = await onStore(folder, 'save', 'checkpoint.pth', 'model/checkpoint.pth', '--step', '2')
    expect(clash).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('Two of the files are named checkpoint.pth') as string,
    })
  })
})

async function corrupt(folder: string, step: string): Promise<void> {
  const { stdout: path } = await onStore(folder, 'path', step, 'checkpoint.pth')
  await chmod(path.trim(), 0o600)
  await writeFile(path.trim(), randomBytes(100_000))
}

describe('a corrupt checkpoint', () => {
  test('is reported, refused, and skipped with --fallback', async () => {
    const folder = await checkpointFolder()
    for (const step of ['41', '42']) await onStore(folder, 'save', 'checkpoint.pth', '--step', step)
    await corrupt(folder, '42')
    expect(await onStore(folder, 'verify')).toMatchObject({ code: 5 })
    const refused = await onStore(folder, 'restore', 'latest', '--to', 'out')
    expect(refused).toMatchObject({
      code: 5,
      stderr: expect.stringContaining('Pass --fallback') as string,
    })
    await expect(readdir(join(folder, 'out'))).rejects.toThrow('ENOENT')
    const restored = await onStore(folder, 'restore', 'latest', '--to', 'out', '--fallback')
    expect(restored).toMatchObject({
      code: 0,
      stderr:
        'step 42 is corrupt: checkpoint.pth differs from the saved file. It is quarantined; nothing was deleted.\n',
    })
    expect(restored.stdout).toMatch(/^restored step 41/)
    expect((await onStore(folder, 'ls')).stdout).toContain('step 42 is quarantined')
    expect((await onStore(folder, 'path', '42', 'checkpoint.pth')).stderr).toContain('holdfast verify 42')
  })

  test.each([
    ['7', /quarantine the latest .*: (holdfast restore latest --fallback --to DIR)$/im],
    ['2', /delete step 2: (holdfast rm 2)$/im],
    ['2', /quarantine .*: (holdfast restore 2 --fallback --to DIR)$/im],
    ['5', /quarantine .*: (holdfast restore 5 --fallback --to DIR)$/im],
  ])('of step %s is no longer reported after the advice of verify', async (step, advice) => {
    const folder = await checkpointFolder()
    for (const each of ['2', '5', '7']) await onStore(folder, 'save', 'checkpoint.pth', '--step', each)
    await corrupt(folder, step)
    const { code, stdout } = await onStore(folder, 'verify')
    expect({ code, stdout }).toEqual({ code: 5, stdout: expect.stringMatching(advice) as string })
    const [, command = ''] = advice.exec(stdout) ?? []
    await onStore(folder, ...command.split(' ').slice(1))
    expect(await onStore(folder, 'verify')).toMatchObject({ code: 0 })
  })

  test('names no step as lost that a restore with --fallback did not try', async () => {
    const folder = await checkpointFolder()
    for (const each of ['2', '8', '10']) await onStore(folder, 'save', 'checkpoint.pth', '--step', each)
    await corrupt(folder, '2')
    const { code, stderr } = await onStore(folder, 'restore', '2', '--to', 'out', '--fallback')
    expect({ code, stderr }).toEqual({
      code: 5,
      stderr:
        'holdfast: Step 2 is corrupt, and no good checkpoint was saved before it. Step 2 is quarantined. Later checkpoints ' +
        'were not tried. Run holdfast ls to list the checkpoints.\n',
    })
  })
})

test('doctor removes the folders that it created, and keeps existing ones', async () => {
  const folder = await checkpointFolder()
  await mkdir(join(folder, 'empty'))
  for (const store of ['not/there', 'empty', 'empty/yet'])
    expect(await holdfast(folder, 'doctor', '-s', store)).toMatchObject({ code: 0, stderr: '' })
  expect((await readdir(folder, { recursive: true })).toSorted()).toEqual(['checkpoint.pth', 'empty'])
})

test('pins and unpins several checkpoints at once, or none if one is missing', async () => {
  const folder = await checkpointFolder()
  for (const step of ['1', '2', '3']) await onStore(folder, 'save', 'checkpoint.pth', '--step', step)
  const missing = await onStore(folder, 'pin', '1', '9')
  expect([missing.code, missing.stderr]).toEqual([4, expect.stringContaining('step 9')])
  expect((await onStore(folder, 'pin', '1', 'lastest')).stderr).toContain('"lastest" is not a valid choice')
  expect((await onStore(folder, 'ls')).stdout).not.toContain('pinned')
  const pinned = await onStore(folder, 'pin', '1', '2', 'latest', '--reason', 'paper')
  expect(pinned.stdout).toBe('pinned steps 1, 2 and 3 · paper\n')
  const one = await onStore(folder, 'unpin', 'latest', '--json')
  expect(lastLine(one.stdout)).toMatchObject({ command: 'unpin', step: 3, steps: [3] })
  const two = lastLine((await onStore(folder, 'unpin', '1', '2', '--json')).stdout)
  expect(two).toMatchObject({ command: 'unpin', steps: [1, 2] })
  expect(two).not.toHaveProperty('step')
  expect((await onStore(folder, 'ls')).stdout).not.toContain('pinned')
})
