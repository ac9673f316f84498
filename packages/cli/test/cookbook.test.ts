import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { canUnshare, Machine } from './machine.ts'

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
