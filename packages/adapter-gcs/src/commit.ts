import { type CommitOptions, type CommitOutcome, createOnce, webPage } from '@holdfast/core/backend'
import type { Bucket } from './bucket.ts'
import { crc32cOf } from './checksum.ts'
import { hasStatus, isCalled } from './errors.ts'
import { read } from './read.ts'
import { uploadWhole } from './insert.ts'

/**
 * Uploads with `ifGenerationMatch=0`, which succeeds only if no live object has the name. The status 412 means that the
 * object exists. https://cloud.google.com/storage/docs/request-preconditions
 */
export async function commit(
  bucket: Bucket,
  key: string,
  bytes: Uint8Array,
  { signal, onCreated }: CommitOptions,
): Promise<CommitOutcome> {
  const metadata = { contentType: 'application/json', crc32c: crc32cOf(bytes) }
  return createOnce(
    bucket,
    { what: `The commit of ${key}`, key, signal },
    {
      bytes,
      async create() {
        // The response has the name, the size and the checksum of the stored object.
        const { generation } = await uploadWhole(bucket, key, bytes, metadata, { ifGenerationMatch: 0 })
        return { revision: generation, isVerified: true }
      },
      isThereAlready: (error) => hasStatus(error, 412) && !isCalled(error, webPage),
      read: () => read(bucket, key, {}),
      onCreated,
    },
  )
}
