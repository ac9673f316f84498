import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { holdfast, type Outcome } from './holdfast.ts'

/** Makes a store with steps 40 and 41. Returns a function that runs a command of the job. */
async function job(): Promise<(...words: readonly string[]) => Promise<Outcome>> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-tries-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const run = (...words: readonly string[]): Promise<Outcome> =>
    holdfast(folder, '-s', 'store', '--job', 'train', ...words)
  for (const step of ['40', '41']) {
    await writeFile(join(folder, 'w.bin'), step)
    await run('save', 'w.bin', '--step', step)
  }
  return async (...words) => {
    const outcome = await run(...words)
    const restored = await readFile(join(folder, 'out/w.bin'), 'utf8').catch(() => undefined)
    return restored === undefined
      ? outcome
      : { ...outcome, stdout: `${outcome.stdout}w.bin is ${restored}\n` }
  }
}

const restoring = ['restore', 'latest', '--to', 'out', '--fallback', '--max-tries', '2']

test('restores the checkpoint before one that was restored too often without a later save, and says why', async () => {
  const run = await job()
  for (let start = 0; start < 2; start += 1) {
    const { code, stdout, stderr } = await run(...restoring)
    expect([code, stderr]).toEqual([0, ''])
    expect(stdout).toContain('w.bin is 41')
  }
  const { code, stdout, stderr } = await run(...restoring)
  expect(code).toBe(0)
  expect(stdout).toContain('w.bin is 40')
  expect(stderr).toBe(
    'step 41 is skipped: it was restored 2 times without a later save. latest is step 40 now.\n',
  )
})

test('forgets the restores of a checkpoint that ok marks as good', async () => {
  const run = await job()
  await run(...restoring)
  await run(...restoring)
  const marked = await run('ok', '41')
  expect([marked.code, marked.stderr]).toEqual([0, ''])
  expect(marked.stdout).toContain('step 41 works: its restores are not counted any more\n')
  expect((await run(...restoring)).stdout).toContain('w.bin is 41')
})

test('names the command that restores again if every checkpoint was restored too often', async () => {
  const run = await job()
  for (let start = 0; start < 4; start += 1) expect((await run(...restoring)).code).toBe(0)
  const { code, stderr } = await run(...restoring)
  expect(code).toBe(5)
  const [, command = ''] = /run holdfast (ok \d+ --take-over),/.exec(stderr) ?? []
  expect((await run(...command.split(' '))).code).toBe(0)
  expect((await run(...restoring)).code).toBe(0)
})

test('exits with 4 if ok names a step that is not saved', async () => {
  const run = await job()
  const { code, stderr } = await run('ok', '7')
  expect(code).toBe(4)
  expect(stderr).toContain('There is no checkpoint of step 7.')
})

test.each([
  [['restore', 'latest', '--to', 'out', '--max-tries', '2'], 'it requires latest and --fallback'],
  [['restore', '40', '--to', 'out', '--fallback', '--max-tries', '2'], 'it requires latest and --fallback'],
  [
    ['restore', 'latest', '--to', 'out', '--fallback', '--max-tries', '0'],
    'It must be a whole number from 1.',
  ],
])('refuses %j', async (words, message) => {
  const run = await job()
  const { code, stderr } = await run(...words)
  expect(code).toBe(2)
  expect(stderr).toContain(message)
})
