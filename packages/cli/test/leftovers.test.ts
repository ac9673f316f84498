import { type ChildProcess, spawn } from 'node:child_process'
import { lstatSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, rm, watch, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { environment, exitOf, holdfast, main, type Outcome } from './holdfast.ts'

async function storeWithOneStep(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-leftovers-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  await writeFile(join(folder, 'w.bin'), 'weights')
  expect(await run(folder, 'save', 'w.bin', '--step', '1')).toMatchObject({ code: 0 })
  return folder
}

function run(folder: string, ...words: readonly string[]): Promise<Outcome> {
  return holdfast(folder, '-s', 'store', ...words)
}

async function filesIn(folder: string, below = ''): Promise<readonly string[]> {
  return readdir(join(folder, 'store', below), { recursive: true })
}

/** Starts a save as step 2 that has written some megabytes and waits for more. */
async function unfinishedSave(folder: string): Promise<ChildProcess> {
  const words = ['-s', 'store', 'save', '-', '--step', '2', '--until-eof']
  const child = spawn(process.execPath, [main, ...words], { cwd: folder, env: environment() })
  child.stdin.on('error', () => undefined)
  child.stdin.write(Buffer.alloc(9_000_000))
  await untilBytes(join(folder, 'store'), 1_000_000)
  return child
}

/** Waits until the temporary files of a store have so many bytes. */
async function untilBytes(store: string, bytes: number): Promise<void> {
  const stop = new AbortController()
  const changes = watch(store, { recursive: true, signal: stop.signal })[Symbol.asyncIterator]()
  while ((await temporaryBytes(store)) < bytes) await changes.next()
  stop.abort()
}

async function temporaryBytes(store: string): Promise<number> {
  const entries = await readdir(store, { recursive: true, withFileTypes: true })
  const files = entries.filter(({ name }) => name.startsWith('.holdfast-tmp-'))
  const sizes = files.map(({ parentPath, name }) => {
    // The save may have given a file its name since.
    const stats = lstatSync(join(parentPath, name), { throwIfNoEntry: false })
    return stats?.size ?? 0
  })
  return Math.max(0, ...sizes)
}

async function killed(child: ChildProcess): Promise<void> {
  const exit = exitOf(child)
  child.kill('SIGKILL')
  await exit
}

/** What a killed writer of another machine leaves. */
async function leftoverOfOtherMachine(folder: string): Promise<void> {
  const attempt = join(folder, 'store', 'data', '7-2-0123456789abcdef')
  await mkdir(attempt)
  await writeFile(join(attempt, 'half.bin'), Buffer.alloc(5_000_000))
}

describe('a save that was killed', () => {
  test('is removed by the next save on this machine, which reports the freed bytes', async () => {
    const folder = await storeWithOneStep()
    await killed(await unfinishedSave(folder))
    const { code, stdout } = await run(folder, 'save', 'w.bin', '--step', '3')
    expect(code).toBe(0)
    expect(stdout).toMatch(/^removed 1 unfinished save · [\d.]+ (kB|MB) freed\nsaved step 3/)
    expect((await filesIn(folder, 'data')).filter((name) => name.startsWith('2-'))).toEqual([])
    expect(await filesIn(folder)).not.toContain('writers')
  })

  test('is described as ended by ls and doctor', async () => {
    const folder = await storeWithOneStep()
    await killed(await unfinishedSave(folder))
    const { stdout } = await run(folder, 'ls')
    expect(stdout).toMatch(
      /^1 unfinished save · [\d.]+ MB · its process has ended; the next save or sweep deletes it$/m,
    )
    expect(stdout).not.toContain('sweep --now')
    expect((await run(folder, 'doctor')).stdout).toMatch(
      /1 unfinished save of ended processes takes [\d.]+ MB\. The next save or sweep deletes it\./,
    )
  })

  test('is removed by a sweep on this machine', async () => {
    const folder = await storeWithOneStep()
    await killed(await unfinishedSave(folder))
    expect((await run(folder, 'ls')).stdout).toContain('1 unfinished save · ')
    expect((await run(folder, 'sweep')).stdout).toContain('removed 1 unfinished save · ')
    expect((await filesIn(folder, 'data')).filter((name) => name.startsWith('2-'))).toEqual([])
  })
})

test('a save that runs on this machine is neither removed by another save nor by sweep --now', async () => {
  const folder = await storeWithOneStep()
  const child = await unfinishedSave(folder)
  const exit = exitOf(child)
  expect(await run(folder, 'save', 'w.bin', '--step', '3')).toMatchObject({ code: 0 })
  expect((await run(folder, 'sweep', '--now', '--yes')).stdout).toContain('1 save is running on this machine')
  child.stdin?.end()
  expect(await exit).toBe(0)
  expect((await run(folder, 'verify')).stdout).toContain('3 checkpoints good')
  expect(await filesIn(folder)).not.toContain('writers')
})

test('an unfinished save of another machine is shown, kept, and removed by sweep --now', async () => {
  const folder = await storeWithOneStep()
  await leftoverOfOtherMachine(folder)
  expect(await run(folder, 'save', 'w.bin', '--step', '3')).toMatchObject({ code: 0 })
  for (const command of ['ls', 'doctor', 'sweep']) {
    const { stdout } = await run(folder, command)
    expect(stdout).toMatch(/1 unfinished save.*5(\.0)? MB.*kept until \d{4}-/)
  }
  const asked = await run(folder, 'sweep', '--now')
  expect([asked.code, asked.stderr]).toEqual([2, expect.stringContaining('Pass --yes')])
  await run(folder, 'rm', '3', '--undo-for', '1d')
  expect((await run(folder, 'sweep', '--now')).stderr).toContain('and ends the undo of 1 removed checkpoint.')
  await run(folder, 'undo')
  const swept = await run(folder, 'sweep', '--now', '--yes')
  expect([swept.code, swept.stdout]).toEqual([
    0,
    expect.stringContaining('deleted 1 unfinished or dropped checkpoint, 5.0 MB'),
  ])
  expect((await filesIn(folder, 'data')).filter((name) => name.startsWith('7-'))).toEqual([])
  expect((await run(folder, 'ls')).stdout).not.toContain('unfinished')
})

test.each([['--yes'], ['--now', '--dry-run']])('sweep refuses %s %s', async (...words) => {
  const folder = await storeWithOneStep()
  expect(await run(folder, 'sweep', ...words)).toMatchObject({ code: 2 })
})
