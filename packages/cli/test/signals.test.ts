import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { environment, exitOf, holdfast, main, untilMore } from './holdfast.ts'

interface RunningSave {
  readonly folder: string
  readonly child: ChildProcess
  readonly stderr: () => string
  readonly exit: Promise<number | null>
  /** Ends standard input. */
  readonly end: () => void
  /** The files of the store before the save. */
  readonly before: readonly string[]
}

async function filesIn(folder: string): Promise<readonly string[]> {
  return (await readdir(join(folder, 'store'), { recursive: true })).toSorted()
}

/** Starts a save as step 2 that has stored its first bytes and waits for more on standard input. */
async function runningSave(...words: readonly string[]): Promise<RunningSave> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-signals-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  await writeFile(join(folder, 'w.bin'), 'weights')
  await holdfast(folder, '-s', 'store', 'save', 'w.bin', '--step', '1')
  const before = await filesIn(folder)
  const child = spawn(process.execPath, [main, '-s', 'store', 'save', '-', '--step', '2', ...words], {
    cwd: folder,
    env: environment(),
  })
  let stderr = ''
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
  child.stdin.on('error', () => undefined) // it may leave before it has read all
  child.stdin.write(Buffer.alloc(9_000_000))
  const exit = exitOf(child)
  await untilMore(join(folder, 'store'), before.length)
  return { folder, child, stderr: () => stderr, exit, end: () => child.stdin.end(), before }
}

async function latest(folder: string): Promise<string> {
  return (await holdfast(folder, '-s', 'store', 'show', '--json')).stdout
}

test.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)('%s during a save ends the command with %i and leaves no file', async (signal, code) => {
  const { folder, child, exit, before, stderr } = await runningSave('--until-eof', '--grace', '0')
  child.kill(signal)
  expect(await exit).toBe(code)
  expect(stderr()).toBe('holdfast: Stopped. Nothing was saved.\n')
  expect(await filesIn(folder)).toEqual(before)
})

test('SIGHUP, SIGUSR1 and SIGUSR2 neither interrupt a save nor open a debugger', async () => {
  const { folder, child, exit, end, stderr } = await runningSave('--until-eof')
  for (const signal of ['SIGHUP', 'SIGUSR1', 'SIGUSR2'] as const) child.kill(signal)
  end()
  expect(await exit).toBe(0)
  expect(stderr()).toBe('')
  expect(await latest(folder)).toContain('"step":2')
})

test.each([
  ['60', '60 s'],
  ['3000000', '35 d'],
])('a save with a grace of %s s finishes after SIGTERM, and exits with 0', async (grace, shown) => {
  const { folder, child, exit, end, stderr } = await runningSave('--until-eof', '--grace', grace)
  child.kill('SIGTERM')
  await untilOutput(child)
  end()
  expect(await exit).toBe(0)
  expect(stderr()).toBe(`Terminated: the save of step 2 has ${shown} to finish. A second signal stops it.\n`)
  expect(await latest(folder)).toContain('"step":2')
})

test('a second signal stops a save that is finishing, and leaves no file', async () => {
  const { folder, child, exit, before } = await runningSave('--until-eof')
  child.kill('SIGTERM')
  await untilOutput(child)
  child.kill('SIGINT')
  expect(await exit).toBe(143)
  expect(await filesIn(folder)).toEqual(before)
})

test('a save that does not finish within its grace exits with 143, and leaves no file', async () => {
  const { folder, child, exit, before, stderr } = await runningSave('--until-eof', '--grace', '0.01')
  child.kill('SIGTERM')
  expect(await exit).toBe(143)
  expect(stderr()).toMatch(/^Terminated: .*\nholdfast: Stopped. Nothing was saved.\n$/)
  expect(await filesIn(folder)).toEqual(before)
})

test('a command whose output is saved receives the signal, and its exit code decides', async () => {
  const writes =
    'require("node:fs").writeFileSync("started", ""); process.stdout.write(Buffer.alloc(9_000_000)); setInterval(() => undefined, 60_000)'
  const hasStarted = async ({ folder }: RunningSave): Promise<void> => {
    await expect.poll(() => readdir(folder), { timeout: 30_000 }).toContain('started')
  }
  const finishing = `process.on('SIGTERM', () => process.stdout.write('done', () => process.exit())); ${writes}`
  const fromNode = (program: string): readonly string[] => [
    '--from-command',
    '--',
    process.execPath,
    '-e',
    program,
  ]
  const saved = await runningSave(...fromNode(finishing))
  await hasStarted(saved)
  saved.child.kill('SIGTERM')
  expect(await saved.exit).toBe(0)
  expect(await latest(saved.folder)).toContain('"bytes":9000004')
  const ended = await runningSave(...fromNode(writes))
  await hasStarted(ended)
  const { folder, child, exit, before, stderr } = ended
  child.kill('SIGTERM')
  expect(await exit).toBe(143)
  expect(stderr()).toContain('was ended by SIGTERM, so nothing was saved.')
  expect(await filesIn(folder)).toEqual(before)
})

/** Waits until the process has written something to its standard error. */
async function untilOutput({ stderr }: ChildProcess): Promise<void> {
  await new Promise((resolve) => {
    stderr?.once('data', resolve)
  })
}
