import { createHash, type Hash } from 'node:crypto'
import { Crc32c, crc32cBase64 } from '@holdfast/core/backend'
import { invalid } from './errors.ts'
import type { ExpectedHashes } from './metadata.ts'
import type { Content } from './model.ts'

/** Computes the hashes that GCS keeps, while the bytes arrive. */
export class RunningHashes {
  readonly #md5: Hash = createHash('md5')
  readonly #crc32c = new Crc32c()

  update(chunk: Uint8Array): void {
    this.#md5.update(chunk)
    this.#crc32c.update(chunk)
  }

  /** Ends the hashes and returns them. */
  digests(): { readonly crc32c: string; readonly md5Hash: string } {
    return { crc32c: crc32cBase64(this.#crc32c.value), md5Hash: this.#md5.digest('base64') }
  }
}

/** Throws 400 if the content does not have the hashes that the client announced. */
export function assertHashes(expected: ExpectedHashes, { crc32c, md5Hash }: Content): void {
  if (expected.crc32c !== undefined && expected.crc32c !== crc32c)
    throw invalid(`Provided CRC32C "${expected.crc32c}" doesn't match calculated CRC32C "${crc32c}".`)
  if (expected.md5Hash !== undefined && expected.md5Hash !== md5Hash)
    throw invalid(
      `Provided MD5 hash "${expected.md5Hash}" doesn't match calculated MD5 hash "${md5Hash ?? ''}".`,
    )
}
