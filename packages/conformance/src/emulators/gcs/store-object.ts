import { createHash, type Hash } from 'node:crypto'
import { Crc32c, crc32cBase64 } from '@holdfast/core'
import { assertConditions, type Conditions } from './conditions.ts'
import type { Context } from './context.ts'
import { invalid } from './errors.ts'
import type { Described, ExpectedHashes } from './metadata.ts'
import type { Content, StoredObject } from './state.ts'

/** The hashes that GCS keeps, while the bytes come. */
export class RunningHashes {
  readonly #md5: Hash = createHash('md5')
  readonly #crc32c = new Crc32c()

  update(chunk: Uint8Array): void {
    this.#md5.update(chunk)
    this.#crc32c.update(chunk)
  }

  /** Ends them. */
  digests(): { readonly crc32c: string; readonly md5Hash: string } {
    return { crc32c: crc32cBase64(this.#crc32c.value), md5Hash: this.#md5.digest('base64') }
  }
}

/** What is to become of bytes that are stored. */
export interface Wanted {
  readonly bucket: string
  readonly name: string
  readonly described: Described
  readonly hashes: ExpectedHashes
  readonly conditions: Conditions
}

/** Refuses bytes that are not what the client says they are. */
export function assertHashes(expected: ExpectedHashes, { crc32c, md5Hash }: Content): void {
  if (expected.crc32c !== undefined && expected.crc32c !== crc32c)
    throw invalid(`Provided CRC32C "${expected.crc32c}" doesn't match calculated CRC32C "${crc32c}".`)
  if (expected.md5Hash !== undefined && expected.md5Hash !== md5Hash)
    throw invalid(
      `Provided MD5 hash "${expected.md5Hash}" doesn't match calculated MD5 hash "${md5Hash ?? ''}".`,
    )
}

/**
 * Makes bytes an object of a new generation, if the hashes and the conditions hold. Between the check and the
 * publication nothing waits. When they do not hold the bytes are not removed.
 */
export async function storeObject(
  { state, now }: Context,
  { bucket, name, described, hashes, conditions }: Wanted,
  content: Content,
): Promise<StoredObject> {
  assertHashes(hashes, content)
  assertConditions(conditions, state.object(bucket, name))
  const time = now()
  const object: StoredObject = {
    ...described,
    ...content,
    bucket,
    name,
    generation: state.nextGeneration(time),
    metageneration: 1,
    created: time.getTime(),
    updated: time.getTime(),
  }
  await state.files.remove(state.publish(object))
  return object
}
