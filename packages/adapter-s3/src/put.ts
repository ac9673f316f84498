import { randomUUID } from 'node:crypto'
import { PutObjectCommand } from '@aws-sdk/client-s3'
import {
  type PutSource,
  putAgain,
  type PutOptions,
  putObject,
  putOrCopy,
  type ServiceCopy,
  type PutResult,
  type Stored,
} from '@holdfast/core/backend'
import { type Bucket, payloadOf, storedAs } from './bucket.ts'
import { checksumOf, isVerifiedBy } from './checksum.ts'
import { UploadInParts } from './multipart.ts'
import { read } from './read.ts'
import { send } from './send.ts'
import { copyWithinService } from './server-copy.ts'
import { confirmStored, tokenName } from './token.ts'

/**
 * Stores an object of up to one part with one PUT, and a larger object with a multipart upload. If the store discards the upload and
 * the source can be read again, a new upload sends everything again. If the source is an object of the same service, or such an
 * object has the same bytes, the service copies it.
 */
export async function put(
  bucket: Bucket,
  key: string,
  source: PutSource,
  options: PutOptions,
): Promise<PutResult> {
  const ways: ServiceCopy = {
    copy: (object, report) => copyWithinService(bucket, key, object, options, report),
    read: (from, readOptions) => read(bucket, from, readOptions),
  }
  return putOrCopy(key, source, options, ways, (putOptions) =>
    putAgain(source, () =>
      putObject(bucket, key, source, putOptions, {
        putWhole: (bytes) => putWhole(bucket, key, bytes, putOptions),
        begin: () => UploadInParts.begin(bucket, key, putOptions),
      }),
    ),
  )
}

async function putWhole(
  bucket: Bucket,
  key: string,
  bytes: Uint8Array,
  { contentType }: PutOptions,
): Promise<Stored> {
  const info = { what: `The put of ${key}`, key }
  const token = randomUUID()
  const checksum = checksumOf(bucket, bytes)
  const command = new PutObjectCommand({
    ...payloadOf(bucket, key, contentType),
    ...checksum,
    Metadata: { [tokenName]: token },
    Body: bytes,
    ContentLength: bytes.byteLength,
  })
  const answer = await send(bucket, info, 'no body', command)
  const stored = storedAs(info, answer)
  return isVerifiedBy(info, answer, checksum)
    ? stored
    : confirmStored(bucket, info, key, token, { ...stored, size: bytes.byteLength })
}
