import { S3Client } from '@aws-sdk/client-s3'
import { startS3Emulator } from '@holdfast/emulators'
import { type Fault, startProxy } from '@holdfast/emulators/proxy'
import { expect, onTestFinished, test } from 'vitest'
import { ExpressSessions } from '../src/express-sessions.ts'
import { S3Backend } from '../src/index.ts'

const bucket = 'runs--use1-az4--x-s3'

/** Starts an emulator with a directory bucket behind a proxy. `faults` are those of the requests that begin sessions. */
async function directoryBucket(faults: readonly (Fault | undefined)[]): Promise<{
  readonly options: ConstructorParameters<typeof S3Backend>[2]
  readonly sessions: () => number
}> {
  const emulator = await startS3Emulator({ buckets: [bucket] })
  let begun = 0
  const proxy = await startProxy({
    target: emulator.endpoint,
    plan: ({ operation }) => {
      if (operation !== 'CreateSession') return undefined
      begun += 1
      return faults[begun - 1]
    },
  })
  onTestFinished(async () => {
    await proxy.close()
    await emulator.close()
  })
  const { region, credentials } = emulator
  const retry = { attempts: 2, minDelay: 1, maxDelay: 1 }
  return { options: { endpoint: proxy.url, region, credentials, retry }, sessions: () => begun }
}

test('retries a commit in a directory bucket whose session cannot be begun at first', async () => {
  const { options, sessions } = await directoryBucket([{ kind: 'status', status: 503 }])
  const backend = new S3Backend(bucket, 'a', options)
  expect(await backend.commit('truth', Buffer.from('ours'))).toBe('created')
  expect(sessions()).toBe(2)
  await backend.close()
})

test('uses a session while it lasts, also if its replacement cannot be begun', async () => {
  const { options, sessions } = await directoryBucket([undefined, { kind: 'status', status: 500 }])
  const { endpoint = '', region = '', credentials } = options ?? {}
  if (credentials === undefined) throw new Error('The emulator has credentials')
  const { accessKeyId, secretAccessKey } = credentials
  let time = Date.now()
  const known = { accessKeyId, secretAccessKey }
  const client = new S3Client({ endpoint, region, credentials: known, forcePathStyle: true, maxAttempts: 1 })
  const provider = new ExpressSessions(
    () => client,
    () => time,
  )
  const of = { Bucket: bucket }
  const [first, second] = await Promise.all([
    provider.getS3ExpressIdentity(known, of),
    provider.getS3ExpressIdentity(known, of),
  ])
  expect(second).toEqual(first)
  expect(sessions()).toBe(1)
  time = (first.expiration?.getTime() ?? 0) - 30_000
  expect(await provider.getS3ExpressIdentity(known, of)).toEqual(first)
  await expect.poll(sessions).toBe(2)
  time += 30_000
  await provider.getS3ExpressIdentity(known, of).catch(() => undefined) // joins the replacement that fails
  expect((await provider.getS3ExpressIdentity(known, of)).sessionToken).not.toBe(first.sessionToken)
  client.destroy()
})
