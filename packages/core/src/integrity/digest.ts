import { createHash } from 'node:crypto'

/** SHA-256 of some bytes, in lower-case hexadecimal. */
export function sha256Hex(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

/** A SHA-256 that is fed piece by piece and counts what it was fed. */
export class StreamingDigest {
  readonly #hash = createHash('sha256')
  #bytes = 0

  get bytes(): number {
    return this.#bytes
  }

  update(chunk: Uint8Array): void {
    this.#hash.update(chunk)
    this.#bytes += chunk.byteLength
  }

  /** Lower-case hexadecimal. Ends the digest: it can be neither fed nor asked again. */
  sha256(): string {
    return this.#hash.digest('hex')
  }
}
