import type { TestProject } from 'vitest/node'
import type { ServerKind } from './kinds.ts'
import type { EmulatorUse, ProvidedServer, Servers } from './provided.ts'
import { leavesOutLongTests } from './long-tests.ts'
import { type Machine, thisMachine } from './settings.ts'
import { startServer } from './start-server.ts'

export interface ServersForOptions {
  /** When the tests also run on an emulator. Used only by the summary of the run. Default: 'never'. */
  readonly emulator?: EmulatorUse
}

/**
 * Returns the global set-up of a project. It starts these servers once per run, and stops them at the end. Tests get
 * them with `inject('servers')`.
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

/** A group of servers that start and stop together. */
class ServerGroup {
  readonly #kinds: readonly ServerKind[]
  readonly #machine: Machine
  readonly #stops: (() => Promise<void>)[] = []

  constructor(kinds: readonly ServerKind[], machine: Machine) {
    this.#kinds = kinds
    this.#machine = machine
  }

  /** Starts all servers. If one fails, stops the others and rejects. */
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
