import type { Sample } from '../harness/bytes.ts'

/** The two ways of a file. */
export type Direction = 'upload' | 'download'

/** A way to transfer files without Holdfast. None of them computes a SHA-256 of the file. */
export interface Peer {
  readonly name: string
  /**
   * When it computes a digest of the bytes, such as MD5, which it or the store compares with another one. A CRC is no digest.
   * Default: never.
   */
  readonly digests?: readonly Direction[]
  readonly upload: (from: string, key: string) => Promise<void>
  readonly download: (key: string, to: string) => Promise<void>
  /** Lets the service copy an object to another key. */
  readonly copyWithin?: (from: string, to: string) => Promise<void>
  /** Uploads every file of a folder to keys below a prefix. */
  readonly uploadFolder?: (folder: string, prefix: string) => Promise<void>
  /** Downloads all files below a prefix to a folder, durably. Without it, `download` is called for each. */
  readonly downloadFolder?: (prefix: string, to: string) => Promise<void>
}

/** A peer that this machine lacks. */
export interface MissingPeer {
  readonly name: string
  readonly why: string
}

/** Returns the key of a file that a peer uploads. */
export function keyOf(peer: Peer, { size }: Sample): string {
  return `${wordOf(peer)}-${size}.bin`
}

/** Returns the name of a peer as a part of a key. */
export function wordOf({ name }: Peer): string {
  return name.replaceAll(/[^a-z0-9]+/g, '-')
}
