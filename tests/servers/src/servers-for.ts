import type { TestProject } from 'vitest/node'
import type { ServerKind } from './kinds.ts'
import type { EmulatorUse, ProvidedServer, Servers } from './provided.ts'
import { leavesOutLongTests } from './long-tests.ts'
import { type Machine, thisMachine } from './settings.ts'
import { startServer } from './start-server.ts'

export interface ServersForOptions {
  /** Only told in the summary of the run. Default: 'never'. */
  readonly emulator?: EmulatorUse
}

/**
 * The global set-up of a project's tests: starts these servers once per run, tells the tests of them by
 * `inject('servers')`, and stops them at the end.
 *
 * @example
 * // test/global-setup.ts
 * export default serversFor(['minio', 's3proxy'], { emulator: 'always' })
 */
export function serversFor(
  kinds: readonly ServerKind[],
  { emulator = 'never' }: ServersForOptions = {},
): (project: TestProject) => Promise<() => Promise<void>> {
  return async (project) => {
    const prefersEmulators = leavesOutLongTests(project.vitest)
    const group = new ServerGroup(kinds, { ...thisMachine, prefersEmulators })
    project.provide('servers', await group.start())
    project.provide('emulator', emulator)
    return async () => group.stop()
  }
}

/** Servers that start and stop together. */
class ServerGroup {
  readonly #kinds: readonly ServerKind[]
  readonly #machine: Machine
  readonly #stops: (() => Promise<void>)[] = []

  constructor(kinds: readonly ServerKind[], machine: Machine) {
    this.#kinds = kinds
    this.#machine = machine
  }

  /** All of them, or none: where one fails the others are stopped. */
  async start(): Promise<Servers> {
    const starting = [
      this.#startIfWanted('minio'),
      this.#startIfWanted('s3proxy'),
      this.#startIfWanted('fake-gcs-server'),
      this.#startIfWanted('azurite'),
    ] as const
    await Promise.allSettled(starting)
    try {
      const [minio, s3proxy, fakeGcsServer, azurite] = await Promise.all(starting)
      return { minio, s3proxy, 'fake-gcs-server': fakeGcsServer, azurite }
    } catch (error) {
      await this.stop()
      throw error
    }
  }

  async stop(): Promise<void> {
    await Promise.all(this.#stops.map(async (stop) => stop()))
  }

  async #startIfWanted<K extends ServerKind>(kind: K): Promise<ProvidedServer<K>> {
    if (!this.#kinds.includes(kind)) return undefined
    const server = await startServer(kind, this.#machine)
    if (server.how === 'unavailable') return server
    const { stop, ...available } = server
    this.#stops.push(stop)
    return available
  }
}
