import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { environment, holdfastProcess, type Outcome } from './holdfast.ts'

async function folderWith(files: Readonly<Record<string, string>>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-save-again-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text)
  return folder
}

/** Each command is a program of its own, since only a program that started later may replace a checkpoint. */
async function holdfast(folder: string, ...words: readonly string[]): Promise<Outcome> {
  return holdfastProcess(environment(), folder, ...words)
}

test('says that the same bytes are saved already, and exits with 0', async () => {
  const folder = await folderWith({ 'a.bin': 'a' })
  const save = ['save', 'a.bin', '--step', '16', '-s', 'store']
  expect((await holdfast(folder, ...save)).code).toBe(0)
  const again = await holdfast(folder, ...save, '--metric', 'loss=1')
  expect(again).toMatchObject({ code: 0 })
  expect(again.stdout).toContain('step 16 is already saved, with the same bytes')
  expect((await holdfast(folder, 'show', '16', '-s', 'store')).stdout).toContain('loss = 1')
  await writeFile(join(folder, 'a.bin'), 'b')
  expect((await holdfast(folder, ...save)).code).toBe(6)
  expect(await holdfast(folder, ...save, '--replace')).toMatchObject({ code: 0 })
  expect((await holdfast(folder, 'show', '16', '-s', 'store')).stdout).toContain('loss = 1')
})

test('lets one of several processes that replace a step at once win, and hints at joint saves', async () => {
  const folder = await folderWith({
    first: '0',
    ...Object.fromEntries([1, 2, 3].map((n) => [`r${n}`, `${n}`])),
  })
  await holdfast(folder, 'save', 'first', '--step', '5', '-s', 'store')
  const outcomes = await Promise.all(
    [1, 2, 3].map((n) => holdfast(folder, 'save', `r${n}`, '--step', '5', '--replace', '-s', 'store')),
  )
  expect(outcomes.map(({ code }) => code).toSorted()).toEqual([0, 6, 6])
  expect(outcomes.find(({ code }) => code === 6)?.stderr).toContain('--ranks env')
})

test('rewinds, and prints a note for a save below the highest step', async () => {
  const folder = await folderWith({ 'a.bin': 'a' })
  for (const step of ['40', '8', '16', '24']) {
    const saved = await holdfast(folder, 'save', 'a.bin', '--step', step, '-s', 'store')
    expect(saved.stderr.includes('below step 40')).toBe(step !== '40')
  }
  expect((await holdfast(folder, 'rewind', '16', '--dry-run', '-s', 'store')).stdout).toContain(
    'latest would be step 16 · step 24 would be abandoned',
  )
  expect((await holdfast(folder, 'rewind', '16', '-s', 'store')).stdout).toContain(
    'latest is now step 16 · step 24 is abandoned',
  )
  const { stdout } = await holdfast(folder, 'ls', '-s', 'store')
  expect(stdout).toMatch(/^ *16 .*latest$/m)
  expect(stdout).toContain('step 24 (1 B) is abandoned by a rewind. The next save drops it.')
  expect(await holdfast(folder, 'rewind', '24', '-s', 'store')).toMatchObject({ code: 2 })
})
