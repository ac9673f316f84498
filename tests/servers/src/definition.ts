import type { AvailableServer, Connections, ServerKind } from './kinds.ts'

/** Everything that is particular to one kind of server. */
export interface ServerDefinition<K extends ServerKind> {
  readonly kind: K
  readonly name: string
  /** Pinned: what is installed, and what its folder in the cache is called. */
  readonly version: string
  /** Whether an emulator of `@holdfast/emulators` speaks the same protocol. */
  readonly hasEmulator: boolean
  readonly installation: Installation
  /** Must be there to run what is installed. */
  readonly runsOn: readonly Tool[]
  /** How the installed program is run, listening on a port of the loopback address. */
  readonly command: (place: Place) => Promise<Command>
  readonly container: Container
  /** Answers with a success once the server is ready. */
  readonly health: Health
  readonly connection: (port: number) => Connections[K]
  /** The server that the environment names, if it names one; throws where that is named by halves. */
  readonly fromEnvironment: (environment: NodeJS.ProcessEnv) => EnvironmentServer<K> | undefined
}

export type EnvironmentServer<K extends ServerKind> = Pick<AvailableServer<K>, 'name' | 'connection'>

export type Installation =
  /** Comes with the dependencies of this package: its folder, or undefined where they are not installed. */
  | { readonly from: 'dependencies'; readonly folder: () => string | undefined }
  /** Is put into a folder of the cache. */
  | {
      readonly from: 'cache'
      readonly tools: readonly Tool[]
      /** Takes minutes of all processors: done only in CI, or when it is asked for. */
      readonly compiles: boolean
      readonly install: (folder: string, environment: NodeJS.ProcessEnv) => Promise<void>
    }

/** A program of the machine, proved to be there by a command that prints its version. */
export interface Tool {
  readonly name: string
  readonly command: string
  readonly args: readonly string[]
  /** Whether the version that was printed will do. Default: any. */
  readonly accepts?: (printed: string) => boolean
}

export interface Place {
  /** Where it is installed. */
  readonly installed: string
  /** An empty folder of its own: for data and configuration, removed when it stops. */
  readonly folder: string
  readonly port: number
}

export interface Command {
  readonly file: string
  readonly args: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
}

export interface Container {
  /** With a tag that names one version. */
  readonly image: string
  /** What the program in the image is told; it listens on this port of the container. */
  readonly arguments: (port: number) => Pick<Command, 'args' | 'environment'>
}

export interface Health {
  readonly path: string
  /** The status of an answer that means ready. */
  readonly status: number
}
