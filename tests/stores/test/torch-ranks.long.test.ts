import { type ChildProcess, execFile } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'
import { killGroup, startInGroup } from './support/process-group.ts'
import { howToInstall, pythonEnvironment, pythonWithTrainers } from './support/python.ts'

const main = join(dirname(createRequire(import.meta.url).resolve('holdfast/package.json')), 'dist/main.js')
const script = fileURLToPath(new URL('../../../examples/pytorch-ranks/train.py', import.meta.url))
const python = pythonWithTrainers(process.env)

/** A job of torchrun. */
interface Job {
  readonly torchrun: ChildProcess
  readonly stdout: Readable
  /** Returns what it has printed to standard error so far. */
  readonly errors: () => string
}

/** Starts the example with torchrun. It ends with the test. */
function start(folder: string, ranks: number, ...words: readonly string[]): Job {
  const launcher = ['-m', 'torch.distributed.run', '--standalone', '--nproc-per-node', String(ranks)]
  const torchrun = startInGroup(python ?? '', [...launcher, script, ...words], {
    cwd: folder,
    env: {
      ...process.env,
      ...pythonEnvironment,
      OMP_NUM_THREADS: '1',
      PATH: `${join(folder, 'bin')}${delimiter}${process.env['PATH'] ?? ''}`,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const { stdout, stderr } = torchrun
  if (stdout === null || stderr === null) throw new Error('The output of the job is not piped.')
  let errors = ''
  stderr.setEncoding('utf8').on('data', (text: string) => (errors += text))
  return { torchrun, stdout: stdout.setEncoding('utf8'), errors: () => errors }
}

/**
 * Runs a job to its end, and returns what it printed. torchrun starts Python without buffers, so each rank writes a line and its end
 * apart, and two lines can share one.
 */
async function output({ torchrun, stdout, errors }: Job): Promise<string> {
  let text = ''
  stdout.on('data', (chunk: string) => (text += chunk))
  const [code, signal] = (await once(torchrun, 'close')) as [number | null, NodeJS.Signals | null]
  if (code !== 0) throw new Error(`torchrun ended with ${String(code ?? signal)}:\n${text}\n${errors()}`)
  return text
}

/**
 * Kills rank 2 of a job, with its children, as soon as a checkpoint is whole, as if its machine were lost. Resolves with the exit
 * code of torchrun. Saves of other ranks may still hold its output then.
 */
async function killRankAfterSave({ torchrun, stdout, errors }: Job): Promise<number | null> {
  const exited = once(torchrun, 'exit')
  let victim: number | undefined
  for await (const line of createInterface({ input: stdout })) {
    const [, pid] = /rank 2 of 4, process (\d+), continues after step 0/.exec(line) ?? []
    if (pid !== undefined) victim = Number(pid)
    if (/saved step \d+ together · 4 ranks/.test(line)) break
  }
  // torchrun starts each rank in a session of its own.
  if (victim === undefined || !killGroup(victim))
    throw new Error(`Rank 2 ended before it was killed:\n${errors()}`)
  stdout.resume() // no rank may wait for a reader
  const [code] = (await exited) as [number | null]
  return code
}

/** The steps that the store lists. */
async function steps(folder: string): Promise<readonly number[]> {
  const words = [main, 'ls', '--store', join(folder, 'rough'), '--json']
  const { stdout } = await promisify(execFile)(process.execPath, words)
  return [...stdout.matchAll(/"type":"checkpoint","step":(\d+),/g)].map(([, step]) => Number(step))
}

function digestIn(text: string): number {
  return Number(/digest of the weights: (\S+)/.exec(text)?.[1])
}

/** The steps of a job that is killed. It never reaches them, so a slow test is not too late to kill it. */
const endless = 1_000_000

test(
  'a sharded training of torchrun survives the death of a rank, and continues on two ranks and on four',
  { timeout: 60 * 60_000 },
  async ({ skip }) => {
    if (python === undefined) return skip(howToInstall)
    const folder = await mkdtemp(join(tmpdir(), 'holdfast-torchrun-'))
    onTestFinished(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }))
    await mkdir(join(folder, 'bin'))
    await writeFile(join(folder, 'bin', 'holdfast'), `#!/bin/sh\nexec '${process.execPath}' '${main}' "$@"\n`)
    await chmod(join(folder, 'bin', 'holdfast'), 0o755)

    const run = (ranks: number, until: number): Job =>
      start(folder, ranks, '--store', 'rough', '--save-every', '2', '--steps', String(until))
    expect(await killRankAfterSave(run(4, endless))).toBe(1)
    const latest = Math.max(...(await steps(folder)))
    expect(latest).toBeGreaterThanOrEqual(2)

    // All continue from the same step, at which a checkpoint was whole. It may have become so while the ranks ended.
    const end = latest + 4
    const again = await output(run(4, end))
    const continued = [...again.matchAll(/rank \d of 4, process \d+, continues after step (\d+)/g)]
    expect(continued).toHaveLength(4)
    expect([latest, latest + 2]).toContain(Number(continued[0]?.[1]))
    expect(new Set(continued.map(([, step]) => step)).size).toBe(1)

    const continuing = (text: string, ranks: number, step: number): number =>
      text.match(new RegExp(`rank \\d of ${ranks}, process \\d+, continues after step ${step}(?!\\d)`, 'g'))
        ?.length ?? 0
    expect(continuing(await output(run(2, end + 3)), 2, end)).toBe(2)
    const onFour = await output(run(4, end + 6))
    expect(continuing(onFour, 4, end + 3)).toBe(4)
    expect(await steps(folder)).toEqual([end + 3, end + 4, end + 6])

    const calm = start(folder, 1, '--store', 'calm', '--steps', String(end + 6))
    const undisturbed = digestIn(await output(calm))
    expect(digestIn(onFour)).toBeCloseTo(undisturbed, 4)
    expect(undisturbed).not.toBeCloseTo(0, 1)
  },
)
