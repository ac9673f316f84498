import type {} from 'vitest'
import type { AvailableServer, ServerKind, UnavailableServer } from './kinds.ts'

/** Each server that a project asked for, or why it is not to be had; undefined where it did not ask. */
export type Servers = { readonly [K in ServerKind]: ProvidedServer<K> }

export type ProvidedServer<K extends ServerKind = ServerKind> =
  | AvailableServer<K>
  | UnavailableServer<K>
  | undefined

/** When its tests run on an emulator too: always, or only where no server is to be had. */
export type EmulatorUse = 'always' | 'fallback' | 'never'

declare module 'vitest' {
  interface ProvidedContext {
    servers: Servers
    emulator: EmulatorUse
  }
}
