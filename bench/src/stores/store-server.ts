import type { CheckpointBackend } from '@holdfast/core'
import type { AvailableServer } from '@holdfast/test-servers'
import type { Peer } from '../peers/peer.ts'

/** Where and how to open a backend, as plain data that can be passed to another process. */
export interface BackendPlace {
  readonly url: string
  readonly options: Readonly<Record<string, unknown>>
}

/** A running server, with the clients that can connect to it. */
export interface StoreServer extends AsyncDisposable {
  readonly name: string
  /** The address of the server: `http://` or `https://`, host and port. */
  readonly origin: string
  /**
   * Returns clients of Holdfast and of the peers. `origin` is the address of the server, or of a proxy in front of
   * it.
   */
  connect(origin: string): Promise<Clients>
}

export interface Clients {
  /** Returns an empty place. */
  readonly place: (path: string) => BackendPlace
  readonly open: (path: string) => Promise<CheckpointBackend>
  readonly peers: readonly Peer[]
  /** The authority to trust, in PEM. Absent without TLS. */
  readonly ca?: Buffer | undefined
  /** Returns a URL at which anyone can read the object that a peer uploaded to a key. */
  readonly url: (key: string) => Promise<string>
}

export function nameOf({ name, version }: AvailableServer): string {
  return version === undefined ? name : `${name} ${version}`
}

/** Returns the expiry time of signed URLs. */
export function tomorrow(): Date {
  return new Date(Date.now() + 24 * 60 * 60 * 1000)
}
