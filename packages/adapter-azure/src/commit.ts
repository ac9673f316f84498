import { type CommitOptions, type CommitOutcome, createOnce } from '@holdfast/core/backend'
import { isVerifiedBy, md5Of } from './checksum.ts'
import { blobOf, type Container, encryptionOf, fromStore, inOneRequest, storedAs } from './container.ts'
import { isThereAlready } from './errors.ts'
import { read } from './read.ts'

/**
 * Sends one Put Blob with `If-None-Match: *`:
 * https://learn.microsoft.com/en-us/rest/api/storageservices/specifying-conditional-headers-for-blob-service-operations.
 */
export async function commit(
  container: Container,
  key: string,
  bytes: Uint8Array,
  { signal, onCreated }: CommitOptions,
): Promise<CommitOutcome> {
  const info = { what: `The commit of ${key}`, key, signal }
  const md5 = md5Of(bytes)
  const options = {
    ...encryptionOf(container),
    conditions: { ifNoneMatch: '*' },
    blobHTTPHeaders: { blobContentType: 'application/json' },
    metadata: inOneRequest,
    transactionalContentMD5: md5,
  }
  return createOnce(container, info, {
    bytes,
    async create() {
      const blob = blobOf(container, key)
      const answer = fromStore(info, await blob.upload(bytes, bytes.byteLength, options))
      const { revision } = storedAs(info, answer, 'store')
      return { revision, isVerified: isVerifiedBy(answer, md5) }
    },
    isThereAlready,
    read: () => read(container, key, {}),
    onCreated,
  })
}
