import type {} from 'vitest'
import type { AvailableServer, ServerKind, UnavailableServer } from './kinds.ts'

/**
 * The servers of a project, by kind. A server is `undefined` if the project did not request it. An unavailable server
 * has a reason.
 */
export type Servers = { readonly [K in ServerKind]: ProvidedServer<K> }

export type ProvidedServer<K extends ServerKind = ServerKind> =
  | AvailableServer<K>
  | UnavailableServer<K>
  | undefined

/** When the tests of a project also run on an emulator. `fallback`: only if no server is available. */
export type EmulatorUse = 'always' | 'fallback' | 'never'

declare module 'vitest' {
  interface ProvidedContext {
    servers: Servers
    emulator: EmulatorUse
  }
}
