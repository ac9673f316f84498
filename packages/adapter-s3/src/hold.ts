import { PutObjectLegalHoldCommand } from '@aws-sdk/client-s3'
import { concurrently, HoldfastError, type HoldOptions, requestWithRetry } from '@holdfast/core/backend'
import { addressOf, type Bucket } from './bucket.ts'
import { concernsLock, isCalled } from './errors.ts'
import { send } from './send.ts'

const requestsAtOnce = 16

/**
 * Places or ends the legal hold of the current version of each object:
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObjectLegalHold.html.
 */
export async function setHold(
  bucket: Bucket,
  keys: readonly string[],
  { on, signal }: HoldOptions,
): Promise<void> {
  await concurrently(keys, requestsAtOnce, signal, async (key, keySignal) => {
    const info = { what: on ? `Holding ${key}` : `Ending the hold of ${key}`, key, signal: keySignal }
    const input = {
      ...addressOf(bucket, key),
      LegalHold: { Status: on ? ('ON' as const) : ('OFF' as const) },
    }
    await requestWithRetry(bucket, info, async () => {
      try {
        await send(bucket, info, 'no body', new PutObjectLegalHoldCommand(input), keySignal)
      } catch (error) {
        if (concernsLock(error)) throw withoutLock(bucket, key, error)
        if (on || !isCalled(error, 'NoSuchKey')) throw error
      }
    })
  })
}

function withoutLock(bucket: Bucket, key: string, error: unknown): HoldfastError {
  const { url } = bucket.names
  const message =
    'The bucket has no object lock, so its objects cannot be held. Enable object lock for it, or leave out legalHolds.'
  const cause = bucket.errorOf(error, { what: `Holding ${key}`, key })
  return new HoldfastError('UNSUPPORTED', message, { key, url, cause })
}
