import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { expect, onTestFinished, test } from 'vitest'
import { environment, holdfast, holdfastIn, main } from './holdfast.ts'

async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-cli-watch-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}

async function writeOld(folder: string, name: string, text: string): Promise<void> {
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, name), text)
  await utimes(join(folder, name), 1000, 1000)
}

test('import shows with --dry-run what it would save, saves it, and saves nothing twice', async () => {
  const folder = await newFolder()
  for (const step of [2, 10, 1])
    await writeOld(join(folder, 'old'), `e${step}_0.${step}.dat`, `state ${step}`)
  await writeFile(join(folder, 'metrics.csv'), 'step,acc\n10,0.75\n')
  const words = [
    'import',
    'old',
    '--store',
    'runs',
    '--pattern',
    'e{step}_{loss}.dat',
    '--metrics-from',
    'metrics.csv',
  ]
  const dry = await holdfast(folder, ...words, '--dry-run')
  expect(dry).toMatchObject({ code: 0, stderr: '' })
  expect(dry.stdout.split('\n').slice(1, 4)).toEqual([
    'would save step 1 · e1_0.1.dat · 7 B · loss 0.1',
    'would save step 2 · e2_0.2.dat · 7 B · loss 0.2',
    'would save step 10 · e10_0.10.dat · 8 B · loss 0.1 · acc 0.75',
  ])
  expect(await readdir(folder)).not.toContain('runs')
  const done = await holdfast(folder, ...words)
  expect(done.stdout).toContain('3 checkpoints saved')
  const again = await holdfast(folder, ...words, '--json')
  const last: unknown = JSON.parse(again.stdout.trim().split('\n').at(-1) ?? '')
  expect(last).toMatchObject({ type: 'result', command: 'import', adopted: [], failed: [] })
})

async function stepsIn(folder: string, store: string): Promise<readonly number[]> {
  const { stdout } = await holdfast(folder, 'ls', '--store', store, '--json')
  return [...stdout.matchAll(/"type":"checkpoint","step":(\d+)/g)].map(([, step]) => Number(step))
}

test('import copies to the mirror what it saves', async () => {
  const folder = await newFolder()
  for (const step of [1, 2]) await writeOld(join(folder, 'old'), `e${step}.dat`, `state ${step}`)
  const words = ['import', 'old', '--store', 'runs', '--mirror', 'backup', '--pattern', 'e{step}.dat']
  expect(await holdfast(folder, ...words)).toMatchObject({ code: 0, stderr: '' })
  expect(await stepsIn(folder, 'backup')).toEqual([1, 2])
})

test('import prints the value of each objective', async () => {
  const folder = await newFolder()
  for (const step of [1, 2]) await writeOld(join(folder, 'old'), `e${step}_0.${step}.dat`, `state ${step}`)
  const words = ['import', 'old', '--store', 'runs', '--pattern', 'e{step}_{loss}.dat']
  const { stdout } = await holdfast(folder, ...words, '--keep-best', 'loss:min', '--keep-last', '2')
  expect(stdout).toMatch(/^saved step 1 · 7 B in .* · e1_0\.1\.dat · loss 0\.1 · best loss$/m)
  expect(stdout).toMatch(/^saved step 2 · 7 B in .* · e2_0\.2\.dat · loss 0\.2$/m)
})

test('import counts what is saved already, and exits with 4 if nothing matches', async () => {
  const folder = await newFolder()
  for (const step of [1, 2]) await writeOld(join(folder, 'old'), `e${step}.dat`, `state ${step}`)
  const on = (...words: readonly string[]) =>
    holdfast(folder, 'import', 'old', '--store', 'runs', '--pattern', ...words)
  for (const flags of [[], ['--dry-run']]) {
    for (const pattern of ['d_{step}.dat', 'foo']) {
      expect(await on(pattern, ...flags)).toMatchObject({
        code: 4,
        stderr: `holdfast: Nothing in old matches ${pattern}. Check the folder and the pattern.\n`,
      })
    }
  }
  expect((await on('e{step}.dat')).stdout).toMatch(/^2 checkpoints saved · [^·]+runs$/m)
  await writeOld(join(folder, 'old'), 'e3.dat', 'state 3')
  expect((await on('e{step}.dat', '--dry-run')).stdout).toContain('1 checkpoint would be saved · 2 already')
  expect((await on('e{step}.dat')).stdout).toContain('1 checkpoint saved · 2 already saved')
  await holdfast(folder, 'rm', '1', '--store', 'runs')
  const last = await on('e{step}.dat', '--json')
  expect(JSON.parse(last.stdout.trim().split('\n').at(-1) ?? '')).toMatchObject({
    adopted: [],
    alreadySaved: ['e2.dat', 'e3.dat'],
  })
})

test('import counts as saved already what --consume deletes', async () => {
  const folder = await newFolder()
  await writeOld(join(folder, 'old'), 'e1.dat', 'state 1')
  const on = (...words: readonly string[]) =>
    holdfast(folder, 'import', 'old', '--store', 'runs', '--pattern', 'e{step}.dat', ...words)
  await on()
  expect((await on('--consume')).stdout).toContain('0 checkpoints saved · 1 already saved')
  expect(await on('--consume')).toMatchObject({ code: 4 })
})

test('import refuses a layout that does not exist, and a folder without checkpoints', async () => {
  const folder = await newFolder()
  const unknown = await holdfast(folder, 'import', '.', '--store', 'runs', '--layout', 'tensorflow')
  expect(unknown).toMatchObject({ code: 2 })
  expect(unknown.stderr).toContain('There is no layout "tensorflow"')
  const nothing = await holdfast(folder, 'import', '.', '--store', 'runs')
  expect(nothing).toMatchObject({ code: 2 })
  const alone = await holdfast(folder, 'import', '.', '--store', 'runs', '--complete-when', 'DONE')
  expect(alone).toMatchObject({ code: 2 })
})

test('watch copies to the mirror what it saves while it runs', { timeout: 120_000 }, async () => {
  const folder = await newFolder()
  await writeOld(join(folder, 'out'), 'e3.dat', 'state 3')
  const words = ['watch', 'out', '--store', 'runs', '--mirror', 'backup', '--pattern', 'e{step}.dat']
  const child = spawn(process.execPath, [main, ...words, '--quiet-period', '0'], {
    cwd: folder,
    env: environment(),
    stdio: 'ignore',
  })
  const exit = once(child, 'exit')
  await expect.poll(() => stepsIn(folder, 'backup'), { timeout: 100_000, interval: 200 }).toEqual([3])
  child.kill('SIGTERM')
  expect((await exit)[0]).toBe(0)
})

test('watch saves what appears, and ends with 0 when it is terminated', async () => {
  const folder = await newFolder()
  const words = ['watch', 'out', '--store', 'runs', '--json', '--quiet-period', '0']
  const layout = ['--pattern', 'step_{step}/', '--complete-when', 'DONE']
  const child = spawn(process.execPath, [main, ...words, ...layout], {
    cwd: folder,
    env: environment(),
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let notes = ''
  child.stderr.on('data', (chunk: Buffer) => (notes += chunk.toString()))
  const exit = once(child, 'close')
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]()
  const next = async (): Promise<unknown> => JSON.parse(String((await lines.next()).value))
  expect(await next()).toMatchObject({ type: 'layout', layout: 'custom' })
  await mkdir(join(folder, 'out/step_5'), { recursive: true })
  await writeFile(join(folder, 'out/step_5/model.bin'), 'weights')
  await writeFile(join(folder, 'out/step_5/DONE'), '')
  let line = await next()
  while (Reflect.get(Object(line), 'type') !== 'adopted') line = await next()
  expect(line).toMatchObject({ type: 'adopted', name: 'step_5', step: 5 })
  child.kill('SIGTERM')
  expect((await exit)[0]).toBe(0)
  expect(notes).toContain('out does not exist yet. The watch waits for it.')
  const restored = await holdfast(folder, 'restore', '--store', 'runs', '--to', 'back')
  expect(restored.code).toBe(0)
  expect(await readdir(join(folder, 'back/step_5'))).toEqual(['DONE', 'model.bin'])
})

interface RunningWatch {
  readonly folder: string
  readonly child: ChildProcess
  readonly exit: Promise<readonly unknown[]>
  /** Resolves with the next line on standard error. */
  readonly note: () => Promise<string>
}

/** Starts a watch of a folder that has a complete checkpoint, and waits until the watch has begun. */
async function watching(...words: readonly string[]): Promise<RunningWatch> {
  const folder = await newFolder()
  await mkdir(join(folder, 'out/step_5'), { recursive: true })
  await writeFile(join(folder, 'out/step_5/DONE'), '')
  const layout = ['--pattern', 'step_{step}/', '--complete-when', 'DONE']
  const child = spawn(process.execPath, [main, 'watch', 'out', '--store', 'runs', ...layout, ...words], {
    cwd: folder,
    env: environment(),
  })
  onTestFinished(() => {
    child.kill('SIGKILL')
  })
  const exit = once(child, 'exit')
  const notes = createInterface(child.stderr)[Symbol.asyncIterator]()
  await createInterface(child.stdout)[Symbol.asyncIterator]().next()
  return { folder, child, exit, note: async () => String((await notes.next()).value) }
}

test.each(['SIGTERM', 'SIGINT'] as const)(
  'watch saves a complete checkpoint after %s before it ends, and exits with 0',
  async (signal) => {
    const { folder, child, exit, note } = await watching('--quiet-period', '1')
    child.kill(signal)
    expect(await note()).toBe(
      'Complete checkpoints are saved first, for at most 25 s. A second signal stops the watch.',
    )
    expect(await note()).toBe('Saved since the signal: step 5. The watch has ended.')
    expect((await exit)[0]).toBe(0)
    expect(await stepsIn(folder, 'runs')).toEqual([5])
  },
)

test('watch says what it saved and ends with 143 when its grace is over', async () => {
  const { child, exit, note } = await watching('--quiet-period', '60', '--grace', '0.1')
  child.kill('SIGTERM')
  await note()
  expect(await note()).toBe(
    'The 0.1 s are over. Nothing was saved since the signal. What is not saved by now is saved by the next watch of the folder.',
  )
  expect((await exit)[0]).toBe(143)
})

test('watch ends at once with a second signal', async () => {
  const { child, exit, note } = await watching('--quiet-period', '60', '--grace', '60')
  child.kill('SIGTERM')
  await note()
  child.kill('SIGINT')
  expect((await exit)[0]).toBe(143)
})

test('import names a folder that does not exist', async () => {
  const folder = await newFolder()
  const refused = await holdfast(folder, 'import', 'nowhere', '--store', 'runs')
  expect(refused.code).toBe(2)
  expect(refused.stderr).toContain('There is no folder nowhere. Check its path.')
})

test('import finds a file of metrics in the home folder, and run its folder', async () => {
  const folder = await newFolder()
  const env = { ...environment(), HOME: folder }
  const work = await newFolder()
  await writeOld(folder, 'metrics.csv', 'step,acc\n1,0.75\n')
  await writeOld(join(folder, 'old'), 'e1.dat', 'state 1')
  const words = ['--store=~/runs', '--metrics-from=~/metrics.csv', '--pattern', 'e{step}.dat']
  const imported = await holdfastIn(
    env,
    work,
    'import',
    join(folder, 'old'),
    ...words,
    '--keep-best',
    'acc:max',
  )
  expect(imported.stdout).toContain('best acc')
  const run = await holdfastIn(env, work, 'run', '--watch=~/out', ...words, '--', 'true')
  expect(run).toMatchObject({ code: 0 })
  expect(await readdir(join(folder, 'out'))).toContain('e1.dat')
  expect(await readdir(work)).toEqual([])
})
