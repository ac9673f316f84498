import { randomUUID } from 'node:crypto'
import { PutObjectCommand } from '@aws-sdk/client-s3'
import {
  type PutSource,
  type PutOptions,
  putObject,
  type PutResult,
  type Stored,
} from '@holdfast/core/backend'
import { type Bucket, payloadOf, storedAs } from './bucket.ts'
import { isProvenBy, proofOf } from './checksum.ts'
import { beginUpload } from './multipart.ts'
import { send } from './send.ts'
import { confirmStored, tokenName } from './token.ts'

/** Stores an object of up to one part with one PUT, and a larger object with a multipart upload. */
export async function put(
  bucket: Bucket,
  key: string,
  source: PutSource,
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
  const asked = { what: `The put of ${key}`, key }
  const token = randomUUID()
  const proof = proofOf(bucket, bytes)
  const command = new PutObjectCommand({
    ...payloadOf(bucket, key, contentType),
    ...proof,
    Metadata: { [tokenName]: token },
    Body: bytes,
    ContentLength: bytes.byteLength,
  })
  const answer = await send(bucket, asked, 'no body', command)
  const stored = storedAs(asked, answer)
  return isProvenBy(asked, answer, proof) ? stored : confirmStored(bucket, asked, key, token)
}
