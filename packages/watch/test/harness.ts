import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import {
  CheckpointStore,
  type Environment,
  HoldfastError,
  MemoryBackend,
  type StoreOptions,
  systemEnvironment,
} from '@holdfast/core'
import type { CheckpointBackend } from '@holdfast/core/backend'
import { onTestFinished } from 'vitest'
import { Adopter, type AdopterOptions, type WriterState } from '../src/adoption/adopter.ts'
import type { WatchClock } from '../src/clock.ts'
import type { WatchEvent } from '../src/events.ts'

/** A clock that a test controls. A wait lets its time pass, and then runs the action of the test. */
export class TestClock implements WatchClock {
  #now = 0
  onWait: () => Promise<void> | void = () => undefined

  now(): number {
    return this.#now
  }

  wallTime(): number {
    return Date.now()
  }

  pass(milliseconds: number): void {
    this.#now += milliseconds
  }

  async wait(milliseconds: number, wake: AbortSignal): Promise<void> {
    if (wake.aborted || milliseconds === 0) return
    this.#now += milliseconds
    await this.onWait()
  }
}

export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-watch-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}

export function storeOn(backend: CheckpointBackend, options: StoreOptions = {}): CheckpointStore {
  const store = new CheckpointStore(backend, { mode: 'shared', ...options })
  onTestFinished(() => store.close())
  return store
}

/** A store with a mirror, which is not tried again after a failure until a flush. */
export function mirroredOn(backend: CheckpointBackend, mirror: CheckpointBackend): CheckpointStore {
  const options = { mode: 'shared', mirror: { store: 'mem:mirror' } } as const
  const store = new CheckpointStore(backend, options, withoutRetries, undefined, mirror)
  onTestFinished(() => store.close())
  return store
}

/** Pauses of a second or more last until their signal fires. */
const withoutRetries: Environment = {
  ...systemEnvironment,
  pause: (milliseconds, signal) =>
    milliseconds < 1000
      ? systemEnvironment.pause(milliseconds, signal)
      : new Promise((_, reject) => {
          const stop = (): void => {
            reject(new HoldfastError('ABORTED', 'The pause was ended'))
          }
          if (signal?.aborted === true) stop()
          signal?.addEventListener('abort', stop)
        }),
}

export const fixtures = new URL('./fixtures/', import.meta.url).pathname

/** A watched folder, and a store in memory. */
export class Watched {
  readonly clock = new TestClock()
  readonly events: WatchEvent[] = []
  readonly backend: MemoryBackend
  readonly store: CheckpointStore
  readonly folder: string
  #adopter: Adopter
  readonly #options: Partial<AdopterOptions>

  private constructor(folder: string, options: Partial<AdopterOptions>, storeOptions: StoreOptions) {
    this.folder = folder
    this.backend = new MemoryBackend()
    this.store = storeOn(this.backend, storeOptions)
    this.#options = options
    this.#adopter = this.#newAdopter()
  }

  static async begin(
    options: Partial<AdopterOptions> = {},
    storeOptions: StoreOptions = {},
  ): Promise<Watched> {
    return new Watched(await temporaryFolder(), options, storeOptions)
  }

  path(name: string): string {
    return join(this.folder, name)
  }

  async write(name: string, bytes: string | Uint8Array): Promise<void> {
    await mkdir(dirname(this.path(name)), { recursive: true })
    await writeFile(this.path(name), bytes)
  }

  async remove(name: string): Promise<void> {
    await rm(this.path(name), { recursive: true })
  }

  /** Scans the folder once. */
  async scan(writer?: WriterState, ranUntil?: number): Promise<readonly string[]> {
    return (await this.#adopter.scan(writer, ranUntil)).adopted
  }

  /** Scans, waits longer than the longest quiet period, and scans again. */
  async settle(): Promise<readonly string[]> {
    const first = await this.scan()
    this.clock.pass(60_000)
    return [...first, ...(await this.scan())]
  }

  /** Continues as another process that watches the same folder later. */
  restart(): void {
    this.#adopter = this.#newAdopter()
  }

  async steps(): Promise<readonly number[]> {
    return (await this.store.list()).map(({ step }) => step)
  }

  /** Returns the content of a file in the store. */
  async bytesOf(step: number, file: string): Promise<Buffer> {
    const { body } = await this.store.read(step, file)
    return Buffer.concat(await Array.fromAsync(body))
  }

  told<Type extends WatchEvent['type']>(type: Type): readonly Extract<WatchEvent, { type: Type }>[] {
    return this.events.filter((event): event is Extract<WatchEvent, { type: Type }> => event.type === type)
  }

  #newAdopter(): Adopter {
    return new Adopter(this.store, this.folder, {
      order: 'modified',
      trustsAge: false,
      failsFast: false,
      clock: this.clock,
      onEvent: (event) => this.events.push(event),
      ...this.#options,
    })
  }
}
