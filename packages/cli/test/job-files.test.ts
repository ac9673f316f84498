import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { holdfast } from './holdfast.ts'
import { canUnshare, Machine } from './machine.ts'

/** The files of examples/jobs. Their commands run here, and get the signals that their scheduler sends. */
const fileOf = (name: string): string =>
  readFileSync(new URL(`../../../examples/jobs/${name}`, import.meta.url), 'utf8')

interface Workflow {
  readonly jobs: {
    readonly train: {
      readonly env: { readonly HOLDFAST_JOB: string }
      readonly steps: readonly { readonly run?: string }[]
    }
  }
}

interface KubernetesJob {
  readonly spec: {
    readonly template: {
      readonly spec: {
        readonly containers: readonly {
          readonly command: readonly string[]
          readonly env: readonly { readonly name: string; readonly value: string }[]
        }[]
      }
    }
  }
}

/** Another job is refused, because the job of the file owns the store. */
async function expectOwner(machine: Machine): Promise<void> {
  await writeFile(machine.path('model.bin'), 'weights')
  const other = await holdfast(
    machine.folder,
    'save',
    'model.bin',
    '--step',
    '99',
    '--store',
    'runs',
    '--job',
    'other',
  )
  expect(other.code, other.stderr).not.toBe(0)
  expect(other.stderr).toContain('train')
}

test('the step for GitHub Actions saves on the SIGINT that GitHub sends, and the next job continues', async () => {
  const { train } = (parse(fileOf('github-actions.yml')) as Workflow).jobs
  const command = train.steps.find(({ run }) => run?.includes('holdfast run'))?.run ?? ''
  const machine = await Machine.make()
  machine.env['HOLDFAST_JOB'] = train.env.HOLDFAST_JOB
  await writeFile(machine.path('step.sh'), command)
  for (const latest of [2, 4]) {
    // The default shell: https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax#jobsjob_idstepsshell
    const step = await machine.start('bash', '-e', 'step.sh')
    const exit = once(step, 'exit')
    step.kill('SIGINT')
    expect(await exit).toEqual([75, null])
    expect(await machine.latest()).toBe(latest)
    await rm(machine.path('out'), { recursive: true }) // the next job has another machine
  }
  await expectOwner(machine)
})

test('the job for Kubernetes saves on the SIGTERM of an eviction, and the next pod continues', async ({
  skip,
}) => {
  if (!canUnshare) return skip('no right to make a pid namespace')
  const machine = await Machine.make()
  const [container] = (parse(fileOf('kubernetes.yaml')) as KubernetesJob).spec.template.spec.containers
  const words = (container?.command ?? []).map((word) => word.replace('/work', machine.folder))
  machine.env['HOLDFAST_JOB'] = container?.env.find(({ name }) => name === 'HOLDFAST_JOB')?.value
  for (const latest of [2, 4]) {
    const pod = await machine.start('unshare', '--pid', '--fork', '--mount-proc', ...words)
    const exit = once(pod, 'exit')
    const first = await readFile(`/proc/${pod.pid}/task/${pod.pid}/children`, 'utf8')
    process.kill(Number(first), 'SIGTERM')
    expect(await exit).toEqual([75, null])
    expect(await machine.latest()).toBe(latest)
    await rm(machine.path('out'), { recursive: true }) // the volume ends with the pod
  }
  await expectOwner(machine)
})

test('the unit for systemd is valid, saves on SIGTERM, and continues after a crash of holdfast', async () => {
  const machine = await Machine.make()
  // The home of the user is the machine, and its commands are those of the machine.
  const unit = fileOf('train.service')
    .replaceAll(/%h\/\S*\/bin\//g, machine.path('bin/'))
    .replaceAll('%h/training', machine.folder)
  const valuesOf = (name: string): readonly string[] =>
    [...unit.matchAll(new RegExp(`^${name}=(.*)$`, 'gm'))].flatMap(([, value = '']) => value.split(' '))
  for (const setting of valuesOf('Environment')) {
    const [name = '', value] = setting.split('=')
    if (name !== 'HOLDFAST_STORE') machine.env[name] = value
  }
  const [file = '', ...words] = valuesOf('ExecStart')
  const crashed = await machine.start(file, ...words)
  const crash = once(crashed, 'exit')
  crashed.kill('SIGKILL')
  await crash
  const service = await machine.start(file, ...words)
  const exit = once(service, 'exit')
  service.kill('SIGTERM')
  expect(await exit).toEqual([75, null])
  expect(await machine.latest()).toBeGreaterThanOrEqual(3)
  await expectOwner(machine)
  await writeFile(machine.path('train.service'), unit)
  const verified = spawnSync('systemd-analyze', ['verify', machine.path('train.service')])
  if (verified.error === undefined) expect(String(verified.stderr)).not.toContain('train.service')
})
