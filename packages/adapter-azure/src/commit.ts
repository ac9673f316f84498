import { type CommitOutcome, createOnce } from '@holdfast/core'
import { md5Of } from './checksum.ts'
import { blobOf, type Container, encryptionOf, inOneRequest } from './container.ts'
import { isThereAlready, mayHaveHappened } from './errors.ts'
import { read } from './read.ts'

/** One Put Blob with `If-None-Match: *` (Blob service REST API, "Specifying conditional headers"). */
export async function commit(
  container: Container,
  key: string,
  bytes: Uint8Array,
  signal: AbortSignal | undefined,
): Promise<CommitOutcome> {
  return createOnce(
    container,
    { what: `The commit of ${key}`, key, signal },
    {
      async create() {
        await blobOf(container, key).upload(bytes, bytes.byteLength, {
          ...encryptionOf(container),
          conditions: { ifNoneMatch: '*' },
          blobHTTPHeaders: { blobContentType: 'application/json' },
          metadata: inOneRequest,
          transactionalContentMD5: md5Of(bytes),
        })
      },
      isThereAlready,
      // A client that makes requests again may have found what it made itself.
      mayHaveHappened: (error) =>
        mayHaveHappened(error) || (container.clientRetries && isThereAlready(error)),
      holdsOurs: async () => Buffer.compare(await readBack(container, key), bytes) === 0,
    },
  )
}

async function readBack(container: Container, key: string): Promise<Uint8Array> {
  const { body } = await read(container, key, {})
  return Buffer.concat(await Array.fromAsync(body))
}
