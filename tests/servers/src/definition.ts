import type { AvailableServer, Connections, ServerKind } from './kinds.ts'

/** The definition of one kind of server: how to install, start and reach it. */
export interface ServerDefinition<K extends ServerKind> {
  readonly kind: K
  readonly name: string
  /** The pinned version. It is part of the name of the folder in the cache. */
  readonly version: string
  /** Whether an emulator of `@holdfast/emulators` speaks the same protocol. */
  readonly hasEmulator: boolean
  readonly installation: Installation
  /** The tools that the installed program requires. */
  readonly runsOn: readonly Tool[]
  /** Returns the command that starts the installed program on a port of 127.0.0.1. */
  readonly command: (place: Place) => Promise<Command>
  readonly container: Container
  /** The request that shows whether the server is ready. */
  readonly health: Health
  readonly connection: (port: number) => Connections[K]
  /** How the installed program serves TLS. Absent if it is not used so. */
  readonly secure?: Secure<K>
  /**
   * Returns the server that environment variables configure, or `undefined` without these variables. Throws if a
   * required variable is missing.
   */
  readonly fromEnvironment: (environment: NodeJS.ProcessEnv) => EnvironmentServer<K> | undefined
}

/** The paths of a chain of certificates for a server, in PEM. */
export interface Certificates {
  /** The root authority, which clients must trust. */
  readonly authority: string
  /** The certificate of the server, and that of the authority between it and the root. */
  readonly chain: string
  /** The private key of the certificate. */
  readonly key: string
}

export interface Secure<K extends ServerKind> {
  /** Puts the certificates where the program looks for them, below the folder of its data and configuration. */
  readonly install: (certificates: Certificates, folder: string) => Promise<void>
  readonly connection: (port: number) => Connections[K]
}

export type EnvironmentServer<K extends ServerKind> = Pick<AvailableServer<K>, 'name' | 'connection'>

export type Installation =
  /** The server is a dependency of this package. `folder` returns `undefined` if dependencies are not installed. */
  | { readonly from: 'dependencies'; readonly folder: () => string | undefined }
  /** The server is installed into a folder of the cache. */
  | {
      readonly from: 'cache'
      readonly tools: readonly Tool[]
      /** Whether the install compiles for minutes. If so, it runs only in CI or with `HOLDFAST_TEST_INSTALL=1`. */
      readonly compiles: boolean
      readonly install: (folder: string, environment: NodeJS.ProcessEnv) => Promise<void>
    }

/** A program of this machine. The command prints its version, and fails if the program is missing. */
export interface Tool {
  readonly name: string
  readonly command: string
  readonly args: readonly string[]
  /** Returns whether the printed version is suitable. Default: every version is. */
  readonly accepts?: (printed: string) => boolean
}

export interface Place {
  /** The folder in which the server is installed. */
  readonly installed: string
  /** A new folder for data and configuration. It is removed when the server stops. */
  readonly folder: string
  readonly port: number
}

export interface Command {
  readonly file: string
  readonly args: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
}

export interface Container {
  /** The name of the image, with a tag for one version. */
  readonly image: string
  /** Returns the arguments of the program in the image. The program listens on this port of the container. */
  readonly arguments: (port: number) => Pick<Command, 'args' | 'environment'>
}

export interface Health {
  readonly path: string
  /** The status code of the response when the server is ready. */
  readonly status: number
}
