import { type CallOptions, type CommitOutcome, createOnce } from '@holdfast/core'
import { md5Of } from './checksum.ts'
import { blobOf, type Container, encryptionOf, inOneRequest } from './container.ts'
import { isThereAlready, mayHaveHappened } from './errors.ts'
import { read } from './read.ts'

/** One Put Blob with `If-None-Match: *` (Blob service REST API, "Specifying conditional headers"). */
export async function commit(
  container: Container,
  key: string,
  bytes: Uint8Array,
  { signal }: CallOptions,
): Promise<CommitOutcome> {
  const options = {
    ...encryptionOf(container),
    conditions: { ifNoneMatch: '*' },
    blobHTTPHeaders: { blobContentType: 'application/json' },
    metadata: inOneRequest,
    transactionalContentMD5: md5Of(bytes),
  }
  return createOnce(
    container,
    { what: `The commit of ${key}`, key, signal },
    {
      bytes,
      create: () => blobOf(container, key).upload(bytes, bytes.byteLength, options),
      isThereAlready,
      // A client that makes requests again may have found what it made itself.
      mayHaveHappened: (error) =>
        mayHaveHappened(error) || (container.clientRetries && isThereAlready(error)),
      read: () => read(container, key, {}),
    },
  )
}
