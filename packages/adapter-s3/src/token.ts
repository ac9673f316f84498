import { HeadObjectCommand } from '@aws-sdk/client-s3'
import { type RequestInfo, foreignAnswer, type Stored } from '@holdfast/core/backend'
import { addressOf, type Bucket, storedAs } from './bucket.ts'
import { isCalled } from './errors.ts'
import { send } from './send.ts'

/** Metadata by which an object is known to be of this very upload, where the answer to it was lost or proves nothing. */
export const tokenName = 'holdfast-upload'

/** The object that an upload with this token has stored; `undefined` when there is none, or another. By one request. */
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

/** The same, for an answer that anyone could have given. Rejects when nothing has been stored after all. */
export async function confirmStored(
  bucket: Bucket,
  asked: RequestInfo,
  key: string,
  token: string,
): Promise<Stored> {
  const stored = await storedWith(bucket, asked, key, token)
  if (stored === undefined)
    throw foreignAnswer(asked, 'it says that the object was stored, and there is none, or another')
  return stored
}
