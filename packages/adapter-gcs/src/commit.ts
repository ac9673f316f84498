import { type CommitOutcome, createOnce } from '@holdfast/core'
import type { Bucket } from './bucket.ts'
import { crc32cOf } from './checksum.ts'
import { hasStatus, mayHaveHappened } from './errors.ts'
import { readWhole } from './read.ts'
import { uploadWhole } from './upload.ts'

/**
 * One upload with `ifGenerationMatch=0`, which is: while no live object has the name (Cloud Storage documentation,
 * "Request preconditions"). 412 says that one has.
 */
export async function commit(
  bucket: Bucket,
  key: string,
  bytes: Uint8Array,
  signal: AbortSignal | undefined,
): Promise<CommitOutcome> {
  return createOnce(
    bucket,
    { what: `The commit of ${key}`, key, signal },
    {
      async create() {
        const metadata = { contentType: 'application/json', crc32c: crc32cOf(bytes) }
        await uploadWhole(bucket, key, bytes, metadata, { ifGenerationMatch: 0 })
      },
      isThereAlready: (error) => hasStatus(error, 412),
      mayHaveHappened,
      holdsOurs: async () => Buffer.compare(await readWhole(bucket, key), bytes) === 0,
    },
  )
}
