import { randomBytes } from 'node:crypto'
import { ListMultipartUploadsCommand, S3Client, UploadPartCommand } from '@aws-sdk/client-s3'
import { codeOf } from '@holdfast/conformance/testing'
import { sha256Hex } from '@holdfast/core/backend'
import { startS3Emulator } from '@holdfast/emulators'
import { afterAll, expect, test } from 'vitest'
import { S3Backend } from '../src/index.ts'

/** Its ETags are random, as those of all directory buckets. */
const directoryBucket = 'emulated--use1-az4--x-s3'
const emulator = await startS3Emulator({ buckets: ['emulated', directoryBucket] })
afterAll(() => emulator.close())
const { endpoint, region, credentials } = emulator
const mebibyte = 2 ** 20

function backendWith(partSize: number, bucket = 'emulated'): S3Backend {
  return new S3Backend(bucket, 'r', { endpoint, region, credentials, partSize, parallel: 1 })
}

test('a put whose parts another put has replaced fails, and a later put succeeds', async () => {
  const bytes = randomBytes(17 * mebibyte)
  const options = { size: bytes.byteLength, resume: { sha256: sha256Hex(bytes) } }
  const [one, other] = [backendWith(5 * mebibyte), backendWith(6 * mebibyte)]
  const halfway = Promise.withResolvers<undefined>()
  const replaced = Promise.withResolvers<undefined>()
  async function* pausing(): AsyncGenerator<Uint8Array> {
    yield bytes.subarray(0, 16 * mebibyte)
    await replaced.promise
    yield bytes.subarray(16 * mebibyte)
  }
  const put = one.put('k', pausing(), {
    ...options,
    onProgress: (stored) => {
      if (stored === 10 * mebibyte) halfway.resolve(undefined)
    },
  })
  await halfway.promise
  const stop = new AbortController()
  async function* hanging(): AsyncGenerator<Uint8Array> {
    yield bytes.subarray(0, 13 * mebibyte)
    await new Promise<never>(() => undefined)
  }
  const interrupted = other.put('k', hanging(), {
    ...options,
    signal: stop.signal,
    onProgress: () => {
      stop.abort()
    },
  })
  expect(await codeOf(interrupted)).toBe('ABORTED')
  replaced.resolve(undefined)
  await expect(put).rejects.toMatchObject({
    code: 'UNAVAILABLE',
    message: expect.stringContaining('same partSize') as string,
  })
  await one.put('k', bytes, options)
  expect((await one.stat('k'))?.size).toBe(bytes.byteLength)
  expect(await one.sweep({ olderThan: 0 })).toEqual({ discarded: [], left: 0 })
})

test('a put completes its upload although another put has sent one of its parts again', async () => {
  const backend = backendWith(5 * mebibyte, directoryBucket)
  const bytes = randomBytes(11 * mebibyte)
  const halfway = Promise.withResolvers<undefined>()
  async function* replacing(): AsyncGenerator<Uint8Array> {
    yield bytes.subarray(0, 10 * mebibyte)
    await halfway.promise
    await sendFirstPartAgain(bytes.subarray(0, 5 * mebibyte))
    yield bytes.subarray(10 * mebibyte)
  }
  await backend.put('k', replacing(), {
    size: bytes.byteLength,
    resume: { sha256: sha256Hex(bytes) },
    onProgress: (stored) => {
      if (stored === 5 * mebibyte) halfway.resolve(undefined)
    },
  })
  expect((await backend.stat('k'))?.size).toBe(bytes.byteLength)
})

async function sendFirstPartAgain(bytes: Uint8Array): Promise<void> {
  const client = new S3Client({ endpoint, region, credentials, forcePathStyle: true })
  const { Uploads } = await client.send(new ListMultipartUploadsCommand({ Bucket: directoryBucket }))
  const [{ Key, UploadId } = {}] = Uploads ?? []
  const part = {
    Bucket: directoryBucket,
    Key,
    UploadId,
    PartNumber: 1,
    Body: bytes,
    ChecksumAlgorithm: 'CRC32' as const,
  }
  await client.send(new UploadPartCommand(part))
  client.destroy()
}
