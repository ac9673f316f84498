import { HeadObjectCommand, type HeadObjectCommandOutput } from '@aws-sdk/client-s3'
import {
  computedHash,
  type RequestInfo,
  foreignAnswer,
  type Stored,
  unquotedEtag,
} from '@holdfast/core/backend'
import { addressOf, type Bucket, storedAs } from './bucket.ts'
import { isCalled } from './errors.ts'
import { read } from './read.ts'
import { send } from './send.ts'

/** The metadata that identifies the object of an upload, if the response was lost or may not be from the store. */
export const tokenName = 'holdfast-upload'

/** What the response to a put stated, and the number of bytes that were sent. */
export interface Sent {
  readonly revision: string
  readonly size: number
}

/** Returns the object with this token; `undefined` if the key is absent or has another token. Sends one request. */
export async function storedWith(
  bucket: Bucket,
  info: RequestInfo,
  key: string,
  token: string,
): Promise<Stored | undefined> {
  return storedAt(bucket, info, key, ({ Metadata }) => Metadata?.[tokenName] === token)
}

/**
 * Returns the object with this token. Rejects if the upload has not stored it. If the service keeps no metadata, the object must
 * have the ETag of the response and the size that was sent: https://huggingface.co/docs/hub/storage-buckets-s3.
 */
export async function confirmStored(
  bucket: Bucket,
  info: RequestInfo,
  key: string,
  token: string,
  { revision, size }: Sent,
): Promise<Stored> {
  const stored = await storedAt(bucket, info, key, ({ Metadata, ETag, ContentLength }) => {
    const there = Metadata?.[tokenName]
    return there === undefined ? unquotedEtag(ETag) === revision && ContentLength === size : there === token
  })
  if (stored === undefined)
    throw foreignAnswer(info, 'it reports that the object was stored, but the object is missing or different')
  return stored
}

/**
 * Returns the object if its bytes have this SHA-256 and the service keeps no metadata; otherwise `undefined`. Reads the object.
 */
export async function storedWithDigest(
  bucket: Bucket,
  info: RequestInfo,
  key: string,
  sha256: string,
): Promise<Stored | undefined> {
  const there = await storedAt(bucket, info, key, ({ Metadata }) => Metadata?.[tokenName] === undefined)
  if (there === undefined) return undefined
  const opened = await read(bucket, key, { signal: info.signal })
  const { value } = await computedHash(opened)
  return value === sha256 && opened.stat.revision === there.revision ? there : undefined
}

async function storedAt(
  bucket: Bucket,
  info: RequestInfo,
  key: string,
  isOurs: (there: HeadObjectCommandOutput) => boolean,
): Promise<Stored | undefined> {
  const command = new HeadObjectCommand({ ...addressOf(bucket, key), ChecksumMode: 'ENABLED' })
  try {
    const there = await send(bucket, info, 'no body', command)
    return isOurs(there) ? storedAs(info, there) : undefined
  } catch (error) {
    if (isCalled(error, 'NotFound', 'NoSuchKey')) return undefined
    throw error
  }
}
