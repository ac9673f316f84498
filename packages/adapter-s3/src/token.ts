import { HeadObjectCommand } from '@aws-sdk/client-s3'
import { type RequestInfo, foreignAnswer, type Stored } from '@holdfast/core/backend'
import { addressOf, type Bucket, storedAs } from './bucket.ts'
import { isCalled } from './errors.ts'
import { send } from './send.ts'

/** The metadata that identifies the object of an upload, if the response was lost or may not be from the store. */
export const tokenName = 'holdfast-upload'

/** Returns the object with this token; `undefined` if the key is absent or has another token. Sends one request. */
export async function storedWith(
  bucket: Bucket,
  asked: RequestInfo,
  key: string,
  token: string,
): Promise<Stored | undefined> {
  const command = new HeadObjectCommand({ ...addressOf(bucket, key), ChecksumMode: 'ENABLED' })
  try {
    const there = await send(bucket, asked, 'no body', command)
    return there.Metadata?.[tokenName] === token ? storedAs(asked, there) : undefined
  } catch (error) {
    if (isCalled(error, 'NotFound', 'NoSuchKey')) return undefined
    throw error
  }
}

/** Returns the object with this token. Rejects if the upload has not stored it. */
export async function confirmStored(
  bucket: Bucket,
  asked: RequestInfo,
  key: string,
  token: string,
): Promise<Stored> {
  const stored = await storedWith(bucket, asked, key, token)
  if (stored === undefined)
    throw foreignAnswer(
      asked,
      'it reports that the object was stored, but the object is missing or different',
    )
  return stored
}
