import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { afterEach, expect, test, vi } from 'vitest'
import { send } from '../src/send.ts'

const minute = 60_000
const partBytes = 8 * 2 ** 20

afterEach(() => {
  vi.useRealTimers()
})

/** Begins to send a part to a server that does not respond. Returns a function that returns the error so far. */
async function sendingPart(endsSilence: boolean): Promise<() => unknown> {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  const sent = Promise.withResolvers<undefined>()
  const client = new S3Client({
    region: 'us-east-1',
    credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
    requestChecksumCalculation: 'WHEN_REQUIRED',
    maxAttempts: 1,
    requestHandler: {
      handle: (_request: unknown, { abortSignal }: { readonly abortSignal: AbortSignal }) =>
        new Promise((_, reject) => {
          sent.resolve(undefined)
          abortSignal.addEventListener('abort', () => {
            reject(abortSignal.reason as Error)
          })
        }),
      updateHttpClientConfig: () => undefined,
      httpHandlerConfigs: () => ({}),
    },
  })
  const command = new PutObjectCommand({
    Bucket: 'b',
    Key: 'k',
    Body: Buffer.alloc(partBytes),
    ContentLength: partBytes,
  })
  let failure: unknown
  send({ client, progress: undefined, endsSilence }, { what: 'A part' }, 'no body', command).catch(
    (error: unknown) => {
      failure = error
    },
  )
  await sent.promise
  return () => failure
}

test('lets a part take as long as 64 KiB per minute take, since the connection ends if it is silent', async () => {
  const failure = await sendingPart(true)
  await vi.advanceTimersByTimeAsync(128 * minute)
  expect(failure()).toBeUndefined()
  await vi.advanceTimersByTimeAsync(2 * minute)
  expect(failure()).toMatchObject({ name: 'TimeoutError' })
})

test('ends a part after minutes if the client may wait without a limit for a silent server', async () => {
  const failure = await sendingPart(false)
  await vi.advanceTimersByTimeAsync(minute)
  expect(failure()).toBeUndefined()
  await vi.advanceTimersByTimeAsync(3 * minute)
  expect(failure()).toMatchObject({ name: 'TimeoutError' })
})
