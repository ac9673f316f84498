import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'
import { howToInstall, pythonEnvironment, pythonWithTrainers } from './trainers/python.ts'

const main = join(dirname(createRequire(import.meta.url).resolve('holdfast/package.json')), 'dist/main.js')
const script = fileURLToPath(new URL('../../../examples/pytorch-ranks/train.py', import.meta.url))
const python = pythonWithTrainers(process.env)

/** Starts the example with torchrun. */
function torchrun(folder: string, ranks: number, ...words: readonly string[]): ChildProcess {
  const launcher = ['-m', 'torch.distributed.run', '--standalone', '--nproc-per-node', String(ranks)]
  return spawn(python ?? '', [...launcher, script, ...words], {
    cwd: folder,
    env: {
      ...process.env,
      ...pythonEnvironment,
      OMP_NUM_THREADS: '1',
      PATH: `${join(folder, 'bin')}${delimiter}${process.env['PATH'] ?? ''}`,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
}

/** Runs a job to its end, and returns what it printed. Calls `onLine` with every line. */
async function output(job: ChildProcess, onLine: (line: string) => void = () => undefined): Promise<string> {
  const lines: string[] = []
  if (job.stdout === null) throw new Error('The output of the job is not piped.')
  const ended = once(job, 'exit')
  for await (const line of createInterface({ input: job.stdout })) {
    lines.push(line)
    onLine(line)
  }
  await ended
  const text = lines.join('\n')
  if (job.exitCode !== 0) throw new Error(`torchrun failed with ${job.exitCode ?? 'a signal'}:\n${text}`)
  return text
}

/** The steps that the store lists. */
async function steps(folder: string): Promise<readonly string[]> {
  const words = [main, 'ls', '--store', join(folder, 'rough'), '--json']
  const { stdout } = await promisify(execFile)(process.execPath, words)
  return [...stdout.matchAll(/"type":"checkpoint","step":(\d+),/g)].map(([, step = '']) => step)
}

function digestIn(text: string): number {
  return Number(/digest of the weights: (\S+)/.exec(text)?.[1])
}

test(
  'a sharded training of torchrun survives the death of a rank, and continues on two ranks and on four',
  { timeout: 20 * 60_000 },
  async ({ skip }) => {
    if (python === undefined) return skip(howToInstall)
    const folder = await mkdtemp(join(tmpdir(), 'holdfast-torchrun-'))
    onTestFinished(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }))
    await mkdir(join(folder, 'bin'))
    await writeFile(join(folder, 'bin', 'holdfast'), `#!/bin/sh\nexec '${process.execPath}' '${main}' "$@"\n`)
    await chmod(join(folder, 'bin', 'holdfast'), 0o755)

    const undisturbed = digestIn(await output(torchrun(folder, 1, '--store', 'calm', '--steps', '12')))

    const store = ['--store', 'rough', '--save-every', '2', '--steps'] as const
    let victim = 0
    const killed = output(torchrun(folder, 4, ...store, '6'), (line) => {
      const [, pid] = /^rank 2 of 4, process (\d+), continues after step 0$/.exec(line) ?? []
      if (pid !== undefined) victim = Number(pid)
      if (line.startsWith('saved step 2 together · 4 ranks')) process.kill(victim, 'SIGKILL')
    })
    await expect(killed).rejects.toThrow('torchrun failed with 1')
    expect(await steps(folder)).toContain('2')

    // All continue from the same step, at which a checkpoint was whole.
    const again = await output(torchrun(folder, 4, ...store, '6'))
    const continued = [...again.matchAll(/^rank \d of 4, process \d+, continues after step (\d+)$/gm)]
    expect(continued).toHaveLength(4)
    expect(['2', '4']).toContain(continued[0]?.[1])
    expect(new Set(continued.map(([, step]) => step)).size).toBe(1)

    const onTwo = await output(torchrun(folder, 2, ...store, '9'))
    expect(onTwo.match(/^rank [01] of 2, process \d+, continues after step 6$/gm)).toHaveLength(2)
    const onFour = await output(torchrun(folder, 4, ...store, '12'))
    expect(onFour.match(/^rank [0-3] of 4, process \d+, continues after step 9$/gm)).toHaveLength(4)
    expect(digestIn(onFour)).toBeCloseTo(undisturbed, 4)
    expect(undisturbed).not.toBeCloseTo(0, 1)

    expect(await steps(folder)).toEqual(['9', '10', '12'])
  },
)
