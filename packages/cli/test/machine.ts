import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { chmod, mkdir, mkdtemp, rm, watch, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { onTestFinished } from 'vitest'
import { environment, holdfast, main } from './holdfast.ts'

/** Whether this user may start the first process of a pid namespace, as that of a container is. */
export const canUnshare = spawnSync('unshare', ['--pid', '--fork', '--mount-proc', 'true']).status === 0

/**
 * A machine of a user: a working folder, the commands `holdfast`, `python` and `scontrol`, and a store. `python` saves the next
 * step, waits for SIGTERM or SIGINT, saves one more, and ends with exit code 75.
 */
export class Machine {
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
    const folder = await mkdtemp(join(tmpdir(), 'holdfast-machine-'))
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
      trap 'save $((last + 2)); exit 75' TERM INT
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
