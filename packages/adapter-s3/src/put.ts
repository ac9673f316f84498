import { PutObjectCommand } from '@aws-sdk/client-s3'
import { type ByteSource, type PutOptions, putObject, type PutResult, type Stored } from '@holdfast/core'
import { type Bucket, payloadOf, storedAs } from './bucket.ts'
import { proofOf } from './checksum.ts'
import { beginUpload } from './multipart.ts'

/** One PUT for what fits a part; a multipart upload, several parts at once, for what does not. */
export async function put(
  bucket: Bucket,
  key: string,
  source: ByteSource,
  options: PutOptions,
): Promise<PutResult> {
  return putObject(bucket, key, source, options, {
    putWhole: (bytes) => putWhole(bucket, key, bytes, options),
    begin: () => beginUpload(bucket, key, options),
  })
}

async function putWhole(
  bucket: Bucket,
  key: string,
  bytes: Uint8Array,
  { contentType }: PutOptions,
): Promise<Stored> {
  const asked = {
    ...payloadOf(bucket, key, contentType),
    ...proofOf(bucket, bytes),
    Body: bytes,
    ContentLength: bytes.byteLength,
  }
  return storedAs(await bucket.client.send(new PutObjectCommand(asked)))
}
