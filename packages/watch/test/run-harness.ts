import { spawnSync } from 'node:child_process'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type CheckpointStore, MemoryBackend } from '@holdfast/core'
import type { HandledSignal, RunEvent, RunOptions, RunReport, SignalSource } from '../src/index.ts'
import { runProgram } from '../src/index.ts'
import { type CheckpointBackend, type ProcessIdentity, thisProcess } from '@holdfast/core/backend'
import { mirroredOn, storeOn, temporaryFolder } from './harness.ts'
import { shell, shellLayout } from './shell-program.ts'

/** Signals that a test sends. */
class TestSignals implements SignalSource {
  readonly #listeners = new Set<(signal: HandledSignal) => void>()

  listen(listener: (signal: HandledSignal) => void): Disposable {
    this.#listeners.add(listener)
    return {
      [Symbol.dispose]: () => {
        this.#listeners.delete(listener)
      },
    }
  }

  send(signal: HandledSignal): void {
    for (const listener of this.#listeners) listener(signal)
  }
}

/** A folder, a store in memory, and runs of programs of the shell. */
export class Runs {
  readonly folder: string
  readonly backend: MemoryBackend
  readonly store: CheckpointStore
  readonly events: RunEvent[] = []
  readonly signals = new TestSignals()

  private constructor(folder: string, mirror: CheckpointBackend | undefined, backend = new MemoryBackend()) {
    this.folder = folder
    this.backend = backend
    this.store = mirror === undefined ? storeOn(this.backend) : mirroredOn(this.backend, mirror)
  }

  /** `mirror` is the place of the mirror of the store. */
  static async begin(mirror?: CheckpointBackend): Promise<Runs> {
    const folder = join(await temporaryFolder(), 'out')
    await mkdir(folder)
    return new Runs(folder, mirror)
  }

  /** Returns runs of another process, in the same folder and store. */
  reopened(): Runs {
    return new Runs(this.folder, undefined, this.backend)
  }

  /** Runs a script. `on` is called with each event. */
  async run(
    script: string,
    options: RunOptions = {},
    on: (event: RunEvent) => void = () => undefined,
  ): Promise<RunReport> {
    return runProgram(this.store, this.folder, shell(this.folder, script), {
      layout: shellLayout,
      quietPeriod: 0,
      restartDelay: 0,
      signals: this.signals,
      ...options,
      onEvent: (event) => {
        this.events.push(event)
        on(event)
      },
    })
  }

  path(name: string): string {
    return join(this.folder, name)
  }

  async text(name: string): Promise<string> {
    return (await readFile(this.path(name), 'utf8')).trim()
  }

  /** The names in the folder, without hidden ones. */
  async names(): Promise<readonly string[]> {
    const names = await readdir(this.folder)
    return names.filter((name) => !name.startsWith('.')).toSorted()
  }

  async steps(): Promise<readonly number[]> {
    return (await this.store.list()).map(({ step }) => step)
  }

  told<Type extends RunEvent['type']>(type: Type): readonly Extract<RunEvent, { type: Type }>[] {
    return this.events.filter((event): event is Extract<RunEvent, { type: Type }> => event.type === type)
  }
}

/** Leaves the claim of a supervisor that was killed. */
export async function leaveClaim(
  folder: string,
  isRestoring: boolean,
  program?: ProcessIdentity,
): Promise<void> {
  const { machine } = await thisProcess()
  const { pid } = spawnSync('true')
  const claim = { supervisor: { machine, pid, startedAt: 1 }, program, isRestoring }
  await writeFile(join(folder, '.holdfast-run.json'), JSON.stringify(claim))
}
