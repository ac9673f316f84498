import type { CheckpointBackend } from '@holdfast/core'
import type { AvailableServer } from '@holdfast/test-servers'
import type { MissingPeer, Peer } from '../peers/peer.ts'

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
  /** Returns a place. It is empty if the path is new: a server that the environment names keeps its objects. */
  readonly place: (path: string) => BackendPlace
  readonly open: (path: string) => Promise<CheckpointBackend>
  readonly peers: readonly Peer[]
  readonly missing: readonly MissingPeer[]
  /** The authority to trust, in PEM. Absent without TLS. */
  readonly ca?: Buffer | undefined
  /** Returns a URL at which anyone can read the object of a key. */
  readonly url: (key: string) => Promise<string>
}

export function nameOf({ name, version }: AvailableServer): string {
  return version === undefined ? name : `${name} ${version}`
}

/** Returns the expiry time of signed URLs. */
export function tomorrow(): Date {
  return new Date(Date.now() + 24 * 60 * 60 * 1000)
}

/** Divides peers into present and missing ones. */
export function dividePeers(all: readonly (Peer | MissingPeer)[]): Pick<Clients, 'peers' | 'missing'> {
  const isMissing = (peer: Peer | MissingPeer): peer is MissingPeer => 'why' in peer
  return {
    peers: all.filter((peer): peer is Peer => !isMissing(peer)),
    missing: all.filter(isMissing),
  }
}

/** Returns what `setUp` makes of a running server. Stops the server if that fails, because a server keeps the process alive. */
export async function orStop<Made>(
  server: { readonly stop: () => Promise<void> },
  setUp: () => Promise<Made>,
): Promise<Made> {
  try {
    return await setUp()
  } catch (error) {
    await server.stop()
    throw error
  }
}
