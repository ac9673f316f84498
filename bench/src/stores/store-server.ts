import type { CheckpointBackend } from '@holdfast/core'
import type { AvailableServer } from '@holdfast/test-servers'
import type { Peer } from '../peers/peer.ts'

/** How to open our backend: plain data, so that it can be handed to another process. */
export interface BackendPlace {
  readonly url: string
  readonly options: Readonly<Record<string, unknown>>
}

/** A server that is running, with all who speak to it. */
export interface StoreServer extends AsyncDisposable {
  readonly name: string
  /** Its address: `http://`, host and port. */
  readonly origin: string
  /** Ours and the peers', reaching it at its own address or at that of a proxy before it. */
  connect(origin: string): Promise<Clients>
}

export interface Clients {
  /** A place below which nothing is. */
  readonly place: (path: string) => BackendPlace
  readonly open: (path: string) => Promise<CheckpointBackend>
  readonly peers: readonly Peer[]
  /** Where anyone can read what a peer has put at a key. */
  readonly url: (key: string) => Promise<string>
}

export function nameOf({ name, version }: AvailableServer): string {
  return version === undefined ? name : `${name} ${version}`
}

/** When what is signed now expires. */
export function tomorrow(): Date {
  return new Date(Date.now() + 24 * 60 * 60 * 1000)
}
