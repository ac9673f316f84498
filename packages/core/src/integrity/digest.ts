import { createHash, hash } from 'node:crypto'

/** Returns the SHA-256 of bytes, in lower-case hexadecimal. */
export function sha256Hex(bytes: Uint8Array): string {
  return hash('sha256', bytes, 'hex')
}

/** An incremental SHA-256 that also counts its bytes. */
export class StreamingDigest {
  readonly #hash = createHash('sha256')
  #bytes = 0

  /** Number of bytes so far. */
  get bytes(): number {
    return this.#bytes
  }

  update(chunk: Uint8Array): void {
    this.#hash.update(chunk)
    this.#bytes += chunk.byteLength
  }

  /** Ends the digest and returns it in lower-case hexadecimal. After that, `update` and `sha256` throw. */
  sha256(): string {
    return this.#hash.digest('hex')
  }
}
