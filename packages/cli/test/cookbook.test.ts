import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdir, mkdtemp, readFile, rm, watch, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { environment, holdfast, main } from './holdfast.ts'

const cookbook = await readFile(new URL('../../../docs/cookbook.md', import.meta.url), 'utf8')

/** Returns the first block of code of a recipe. */
function recipe(title: string): string {
  const section = cookbook.slice(cookbook.indexOf(`## ${title}\n`))
  const [, block] = /```\w+\n(.*?)```/s.exec(section) ?? []
  if (block === undefined) throw new Error(`The cookbook has no recipe "${title}" with code.`)
  return block
}

/** The store is that of the machine. */
function slurmScript(): string {
  return recipe('A program under Slurm').replace(/^export HOLDFAST_STORE=.*$/m, '')
}

/**
 * A machine of a user: a working folder, the commands `holdfast`, `python` and `scontrol`, and a store. `python` saves the next
 * step, waits for a signal, saves one more, and ends.
 */
class Machine {
  readonly folder: string
  readonly env: NodeJS.ProcessEnv

  private constructor(folder: string) {
    this.folder = folder
    this.env = {
      ...environment(),
      PATH: `${join(folder, 'bin')}${delimiter}${process.env['PATH'] ?? ''}`,
      HOLDFAST_STORE: join(folder, 'runs'),
      SLURM_JOB_ID: '4711',
    }
  }

  static async make(): Promise<Machine> {
    const folder = await mkdtemp(join(tmpdir(), 'holdfast-cookbook-'))
    onTestFinished(() => rm(folder, { recursive: true, force: true }))
    const machine = new Machine(folder)
    await mkdir(join(folder, 'bin'))
    await machine.#install('holdfast', `exec '${process.execPath}' '${main}' "$@"`)
    await machine.#install('scontrol', `echo "$@" > '${folder}/scontrol'`)
    await machine.#install(
      'python',
      `cd '${folder}'; mkdir -p out
      last=$(ls out | sed -n 's/^checkpoint_\\([0-9]*\\).safetensors$/\\1/p' | sort -n | tail -n 1)
      save() { { printf '\\002\\000\\000\\000\\000\\000\\000\\000{}'; } > out/checkpoint_$1.safetensors; }
      trap 'save $((last + 2)); exit 75' TERM
      save $((last + 1)); : > 'began'
      while :; do sleep 1000 & wait; done`,
    )
    return machine
  }

  /** Starts a command and resolves when its program has begun. */
  async start(file: string, ...words: readonly string[]): Promise<ChildProcess> {
    await rm(join(this.folder, 'began'), { force: true })
    const changes = watch(this.folder)
    const child = spawn(file, words, { cwd: this.folder, env: this.env, stdio: 'ignore' })
    for await (const { filename } of changes) if (filename === 'began') break
    return child
  }

  async latest(): Promise<number> {
    const shown = await holdfast(this.folder, 'show', 'latest', '--json', '--store', 'runs')
    return Number(Reflect.get(Object(JSON.parse(shown.stdout)), 'step'))
  }

  path(name: string): string {
    return join(this.folder, name)
  }

  async #install(name: string, script: string): Promise<void> {
    const path = join(this.folder, 'bin', name)
    await writeFile(path, `#!/bin/sh\n${script}\n`)
    await chmod(path, 0o755)
  }
}

test('the script for Slurm saves and requeues its job when the time is nearly over, and continues then', async () => {
  const machine = await Machine.make()
  await writeFile(machine.path('job.sh'), slurmScript())
  for (const latest of [2, 4]) {
    const job = await machine.start('bash', 'job.sh')
    const exit = once(job, 'exit')
    job.kill('SIGUSR1')
    await exit
    expect(await machine.latest()).toBe(latest)
    expect(await readFile(machine.path('scontrol'), 'utf8')).toBe('requeue 4711\n')
    await rm(machine.path('out'), { recursive: true })
  }
})

test('the script for Slurm saves when its job is preempted, and leaves the requeueing to Slurm', async () => {
  const machine = await Machine.make()
  await writeFile(machine.path('job.sh'), slurmScript())
  const job = await machine.start('bash', 'job.sh')
  const exit = once(job, 'exit')
  job.kill('SIGTERM')
  await exit
  expect(await machine.latest()).toBe(2)
  await expect(readFile(machine.path('scontrol'))).rejects.toThrow('ENOENT')
})

/** The `PATH` of a service. systemd does not read that of a shell. */
const pathOfServices = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

test('the unit for systemd is valid, and its command saves on the signal that systemd sends', async () => {
  const machine = await Machine.make()
  machine.env['PATH'] = pathOfServices
  // The commands of the user are those of the machine.
  const unit = recipe('A program under systemd').replaceAll(/\/\S*\/bin\//g, `${machine.path('bin')}/`)
  const setting = (name: string): string => new RegExp(`^${name}=(.*)$`, 'm').exec(unit)?.[1] ?? ''
  expect(Number(setting('TimeoutStopSec'))).toBeGreaterThan(25)
  const [file = '', ...words] = setting('ExecStart').split(' ')
  const service = await machine.start(file, ...words)
  const exit = once(service, 'exit')
  service.kill('SIGTERM')
  expect(await exit).toEqual([75, null])
  expect(await machine.latest()).toBe(2)
  await writeFile(machine.path('training.service'), unit)
  const verified = spawnSync('systemd-analyze', ['verify', machine.path('training.service')])
  if (verified.error === undefined) expect(String(verified.stderr)).not.toContain('training.service')
})

const canUnshare = spawnSync('unshare', ['--pid', '--fork', '--mount-proc', 'true']).status === 0

test('the job for Kubernetes saves on SIGTERM as the first process of a container', async ({ skip }) => {
  if (!canUnshare) return skip('no right to make a pid namespace')
  const machine = await Machine.make()
  const job = recipe('A program under Kubernetes')
  expect(Number(/terminationGracePeriodSeconds: (\d+)/.exec(job)?.[1])).toBeGreaterThan(25)
  const [, command = ''] = /command: \[(.*)\]/.exec(job) ?? []
  const words = command.split(', ').map((word) => word.replaceAll("'", ''))
  for (const latest of [2, 4]) {
    const container = await machine.start('unshare', '--pid', '--fork', '--mount-proc', ...words)
    const exit = once(container, 'exit')
    const children = await readFile(`/proc/${container.pid}/task/${container.pid}/children`, 'utf8')
    process.kill(Number(children), 'SIGTERM')
    expect(await exit).toEqual([75, null])
    expect(await machine.latest()).toBe(latest)
    await rm(machine.path('out'), { recursive: true })
  }
})
